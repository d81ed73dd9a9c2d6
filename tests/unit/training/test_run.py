"""A real, small training: resumed in the middle it ends in the same weights; then it becomes a bundle."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import pneumoscope.training.run as run_module
from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.errors import FailedTraining
from pneumoscope.inference.predictor import Predictor
from pneumoscope.training.description import load_description
from pneumoscope.training.finish import bundle_of_run
from pneumoscope.training.recipe import load_recipe
from pneumoscope.training.run import learning_rate, logits_of, prepare_run, train
from support.phantom import chest_phantom

SIZE_PX = 64


class Stopped(Exception):
    """Stands for a kill in the middle of an epoch."""


@pytest.fixture(scope="module")
def recipe():
    shipped = load_recipe("efficientnet-lite0")
    stage = replace(shipped.stages[1], epochs=1, size_px=SIZE_PX, warmup_steps=1)
    return replace(
        shipped, pretrained=False, size_px=SIZE_PX, batch_size=8, validation_share=0.3, stages=(stage, stage)
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    generator = np.random.default_rng(5)
    for label, names in {"NORMAL": "IM-{:04}-0001", "PNEUMONIA": "person{}_virus_1"}.items():
        (folder / "films" / "train" / label).mkdir(parents=True)
        (folder / "masks" / "train" / label).mkdir(parents=True)
        for number in range(24):
            name = names.format(number)
            film = chest_phantom(80, 96, generator).astype(int)
            film[30:60, 10:40] += 70 * (label == "PNEUMONIA")
            Image.fromarray(film.clip(0, 255).astype(np.uint8)).save(folder / f"films/train/{label}/{name}.png")
            mask = np.zeros((80, 96), np.uint8)
            mask[15:70, 8:44] = mask[15:70, 52:88] = 255
            Image.fromarray(mask).save(folder / f"masks/train/{label}/{name}.png")
    return folder


def prepared(recipe, data, output):
    return prepare_run(
        recipe, data=data / "films", lung_masks=data / "masks", output=output, seed=3, cache=data / "cache"
    )


def trained(recipe, parts, output, on_step=lambda report: None):
    return train(recipe, *parts, output=output, seed=3, on_step=on_step, on_epoch=lambda record: None)


def test_a_run_stopped_in_the_middle_ends_in_the_same_weights(recipe, data, tmp_path, monkeypatch):
    straight = trained(recipe, prepared(recipe, data, tmp_path / "straight"), tmp_path / "straight")

    def stop_in_the_second_epoch(report):
        if (report.epoch, report.step) == (1, 3):
            raise Stopped

    monkeypatch.setattr(run_module, "CHECKPOINT_SECONDS", -1.0)
    with pytest.raises(Stopped):
        trained(recipe, prepared(recipe, data, tmp_path / "cut"), tmp_path / "cut", stop_in_the_second_epoch)
    resumed = trained(recipe, prepared(recipe, data, tmp_path / "cut"), tmp_path / "cut")
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    with (tmp_path / "cut" / "history.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]


def test_a_trained_run_becomes_a_bundle_that_adds_up(recipe, data, tmp_path):
    training, validation = prepared(recipe, data, tmp_path / "run")
    assert not {row.patient for row in training.rows} & {row.patient for row in validation.rows}
    model = trained(recipe, (training, validation), tmp_path / "run")
    torch_logits = logits_of(model, validation.pictures)
    made = bundle_of_run(
        model,
        model.head.bias.item(),
        recipe,
        validation,
        torch_logits,
        description=load_description("kermany"),
        manifest=tmp_path / "run" / "manifest.csv",
        seed=3,
        folder=tmp_path / "bundle",
        tell=lambda text: None,
    )
    card = open_bundle(made.folder).card
    assert card.metrics["export"]["largest_logit_difference_torch_fp32_graph"] < 1e-3
    assert card.metrics["validation"]["radiographs"] == len(validation.rows)
    assert 0 <= card.metrics["validation"]["positive_heat_inside_lungs_with_finding"] <= 1
    film = data / "films" / validation.rows[0].path
    prediction = Predictor(made).predict(film)
    assert prediction.saliency_map.sum() + card.saliency.bias_logit == pytest.approx(prediction.logit, abs=1e-4)
    assert prediction.logit == pytest.approx(float(torch_logits[0]), abs=0.02)


def test_a_run_folder_with_another_recipe_is_not_overwritten(recipe, data, tmp_path):
    prepared(recipe, data, tmp_path / "run")
    before = json.loads((tmp_path / "run" / "recipe.json").read_text())
    with pytest.raises(FailedTraining, match="run-differs"):
        prepared(replace(recipe, dropout=0.5), data, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "recipe.json").read_text()) == before


def test_training_works_without_lung_masks(recipe, data, tmp_path):
    training, _ = prepare_run(
        recipe, data=data / "films", lung_masks=None, output=tmp_path, seed=3, cache=data / "cache"
    )
    assert not training.lung_masks.any()


def test_the_learning_rate_warms_up_then_falls_as_a_cosine():
    stage = replace(
        load_recipe("efficientnet-lite0").stages[0], learning_rate=1.0, final_learning_rate=0.0, warmup_steps=4
    )
    rates = [learning_rate(stage, step, 12) for step in range(13)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1.0
    assert rates[8] == pytest.approx(0.5)
    assert rates[12] == pytest.approx(0.0)
