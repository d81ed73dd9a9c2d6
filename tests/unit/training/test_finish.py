"""A whole training in this process, from a folder of films to a bundle; the recipe asks for test-time flips."""

import shutil
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.dataset.manifest import Split, read_manifest
from pneumoscope.errors import FailedTraining, MissingExtra, UnusableOutput, UnusableRecipe
from pneumoscope.figures.history import read_history
from pneumoscope.inference.predictor import Predictor
from pneumoscope.model.flip_averaged import FlipAveraged
from pneumoscope.training import finish, whole_run
from pneumoscope.training.data import DataSource, TrainingData, decoded
from pneumoscope.training.description import load_description
from pneumoscope.training.finish import (
    GraphOutputs,
    bundle_of_run,
    colour_scale,
    differences_to_torch,
    save_weights,
)
from pneumoscope.training.kept_maps import MapsKept
from pneumoscope.training.recipe_file import load_recipe
from pneumoscope.training.setting import Setting
from pneumoscope.training.whole_run import as_exported, beginning, draw_curves, network
from support.full_disk import files_of_at_most
from support.training_films import write_films


@pytest.fixture(scope="module")
def flipped_recipe(plain_recipe):
    stage = replace(plain_recipe.stages[0], epochs=10, lung_guidance=0.1)
    return replace(
        plain_recipe,
        stages=(stage,),
        test_time_flip=True,
        validation_share=0.3,
        fitted_normals_share=0.5,
        stated_prevalence=0.4,
        weights_average=0.5,
        keep="validation_loss",
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = write_films(tmp_path_factory.mktemp("data"), np.random.default_rng(5), patients=16)
    return DataSource(folder / "films", None, folder / "masks", folder / "cache")


@pytest.fixture(scope="module")
def run(flipped_recipe, source, tmp_path_factory):
    """The run folder, and what was told."""
    folder, told = tmp_path_factory.mktemp("runs") / "run", []
    whole_run.whole_run(
        flipped_recipe,
        source,
        Setting(folder, 3),
        weights=None,
        description=load_description("kermany"),
        resume=False,
        tell=told.append,
    )
    return folder, told


@pytest.fixture
def exported_network(run, flipped_recipe, tmp_path):
    """The network with the weights that the run has left for whoever wants to go on from them."""
    model = network(flipped_recipe, None, Setting(tmp_path, 0))
    model.load_state_dict(load_file(run[0] / "weights.safetensors"))
    return model.eval()


def test_a_run_folder_holds_what_it_promises(run):
    names = {path.name for path in run[0].iterdir()}
    assert names == {
        *(".lock", "recipe.json", "manifest.csv", "history.csv", "checkpoint.pt", "best.pt"),
        *("weights.safetensors", "curves.png", "bundle"),
    }
    assert {path.name for path in (run[0] / "bundle").iterdir()} == {"model.onnx", "card.json"}
    assert len(read_history(run[0] / "history.csv")) == 10
    with Image.open(run[0] / "curves.png") as curves:
        assert curves.format == "PNG"


def test_a_person_is_told_where_it_begins_and_where_the_bundle_is(run):
    folder, told = run
    rows = read_manifest(folder / "manifest.csv")
    validation = sum(row.split is Split.VALIDATION for row in rows)
    assert f"{len(rows) - validation} radiographs to train on, {validation} to validate, of 32 patients" in told[0]
    assert "lung guidance" not in told[0]
    assert str(folder / "bundle") in told[-1]


def test_the_bundle_says_what_pytorch_says_and_its_map_adds_up(run, source, exported_network):
    bundle = open_bundle(run[0] / "bundle")
    rows = [row for row in read_manifest(run[0] / "manifest.csv") if row.split is Split.VALIDATION]
    model = FlipAveraged(exported_network)
    logits = []
    for row in rows[::3]:
        prediction = Predictor(bundle).predict(source.data / row.path)
        gray = bundle.card.preprocessing.sample(np.asarray(Image.open(source.data / row.path)))
        with torch.inference_mode():
            output = model(torch.from_numpy(gray)[None, None].float() / 255)
        assert prediction.logit == pytest.approx(output.logit.item(), abs=0.01)
        assert prediction.saliency_map == pytest.approx(output.saliency_map[0].numpy(), abs=0.01)
        assert prediction.saliency_map.sum() + bundle.card.saliency.bias_logit == pytest.approx(
            prediction.logit, abs=1e-4
        )
        logits.append(prediction.logit)
    assert np.std(logits) > 1e-4


def test_the_card_tells_what_was_done_and_that_pytorch_and_the_graph_agree(run, flipped_recipe):
    card = open_bundle(run[0] / "bundle").card
    assert card.metrics["export"]["largest_logit_difference_torch_fp32_graph"] < 1e-3
    rows = read_manifest(run[0] / "manifest.csv")
    assert card.metrics["validation"]["radiographs"] == sum(row.split is Split.VALIDATION for row in rows)
    assert 0 <= card.metrics["validation"]["positive_heat_inside_lungs_with_finding"] <= 1
    assert card.metrics["export"]["mean_map_correlation_fp32_fp16_stored"] > 0.98
    assert "mirror image" in card.saliency.method
    assert card.provenance["recipe"]["name"] == flipped_recipe.name
    assert card.provenance["seed"] == 3
    assert card.provenance["test_openings"] == []
    fitted, normals = (
        card.provenance["fitting"],
        sum(not row.has_finding for row in rows if row.split is Split.VALIDATION),
    )
    assert (fitted["normals_share"], fitted["stated_prevalence"]) == (0.5, 0.4)
    assert fitted["radiographs"] - fitted["with_finding"] == round(normals / 2)
    assert card.zones.radiographs_without_finding == round(normals / 2)
    assert all(point.rule.endswith("only the least typical 50%") for point in card.operating_points)


def test_nothing_is_fitted_on_the_test_split(run, parts, flipped_recipe, tmp_path):
    validation = replace(parts[1], rows=[replace(row, split=Split.TEST) for row in parts[1].rows])
    with pytest.raises(Exception, match="test-rows-refused"):
        bundle_of_run(
            network(flipped_recipe, None, Setting(tmp_path, 3)),
            flipped_recipe,
            parts[0],
            validation,
            description=load_description("kermany"),
            manifest=run[0] / "manifest.csv",
            seed=3,
            folder=tmp_path / "bundle",
            tell=lambda _: None,
        )
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("flips", "kept", "stored"),
    [(0, MapsKept(0.98, 0.9), "fp16"), (0, MapsKept(0.97, 1.0), "fp32"), (1, MapsKept(1.0, 1.0), "fp32")],
)
def test_weights_are_stored_as_fp16_only_where_decisions_and_maps_stay(
    run, source, exported_network, flipped_recipe, monkeypatch, tmp_path, flips, kept, stored
):
    monkeypatch.setattr(finish, "decisions_flipped", lambda *_: flips)
    monkeypatch.setattr(finish, "maps_kept", lambda *_: kept)
    monkeypatch.setattr(finish, "validation_metrics", lambda *_: {})
    bundle = bundle_of_run(
        exported_network,
        flipped_recipe,
        *decoded(read_manifest(run[0] / "manifest.csv"), source, size_px=flipped_recipe.size_px),
        description=load_description("kermany"),
        manifest=run[0] / "manifest.csv",
        seed=3,
        folder=tmp_path / "bundle",
        tell=lambda _: None,
    )
    export = bundle.card.metrics["export"]
    assert export["weights_stored_as"] == stored
    assert export["mean_map_correlation_fp32_fp16_stored"] == kept.correlation
    assert export["share_of_positive_decisions_whose_hottest_place_stays"] == kept.hottest_share
    kinds = {tensor.data_type for tensor in onnx.load_from_string(bundle.model).graph.initializer}
    assert (onnx.TensorProto.FLOAT16 in kinds) == (stored == "fp16")


def outputs_of(model, validation: TrainingData, error=0.0) -> GraphOutputs:
    with torch.inference_mode():
        found = model.eval()(torch.from_numpy(validation.pictures).unsqueeze(1).float() / 255)
    return GraphOutputs(found.logit.numpy() + error, found.saliency_map.numpy())


def test_a_graph_that_differs_from_pytorch_makes_no_bundle(exported_network, parts):
    _, validation = parts
    agreed = differences_to_torch(exported_network, outputs_of(exported_network, validation), validation)
    assert max(agreed.values()) < 1e-4
    with pytest.raises(FailedTraining, match=r"differ from PyTorch's by up to 0\.05.*export-differs"):
        differences_to_torch(exported_network, outputs_of(exported_network, validation, error=0.05), validation)
    found = differences_to_torch(exported_network, outputs_of(exported_network, validation, error=0.005), validation)
    assert found["largest_logit_difference_torch_fp32_graph"] == pytest.approx(0.005, abs=1e-4)


def test_the_colour_scale_ends_at_a_high_quantile_of_positive_evidence():
    maps = np.concatenate([np.linspace(0, 1, 101)[1:], -np.ones(500)]).reshape(1, 20, 30)
    assert colour_scale(maps) == pytest.approx(np.quantile(maps[maps > 0], finish.SCALE_QUANTILE))
    assert colour_scale(maps) == pytest.approx(0.95, abs=0.01)
    assert colour_scale(-np.ones((1, 2, 2))) == 1.0


def test_on_a_full_disk_the_weights_before_stay(exported_network, tmp_path):
    save_weights(exported_network, tmp_path / "weights.safetensors")
    before = (tmp_path / "weights.safetensors").read_bytes()
    with files_of_at_most(1000), pytest.raises(UnusableOutput, match="output-unwritable"):
        save_weights(exported_network, tmp_path / "weights.safetensors")
    assert (tmp_path / "weights.safetensors").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_without_lung_masks_a_recipe_that_wants_them_says_what_is_off(flipped_recipe, source, parts, tmp_path):
    rows = [*parts[0].rows, *parts[1].rows]
    without = replace(source, lung_masks=None)
    assert "lung guidance, evidence removal and lung segmentation are off" in beginning(
        flipped_recipe, without, rows, *parts, tmp_path
    )
    stage = replace(flipped_recipe.stages[0], lung_guidance=0.0)
    assert "off" not in beginning(replace(flipped_recipe, stages=(stage,)), without, rows, *parts, tmp_path)


def test_without_matplotlib_a_run_has_no_curves_and_says_so(run, flipped_recipe, tmp_path, monkeypatch):
    def missing(*_):
        raise MissingExtra("figures-extra-missing", "Figures need Matplotlib.", remedy="pip install it")

    (tmp_path / "history.csv").write_bytes((run[0] / "history.csv").read_bytes())
    monkeypatch.setattr(whole_run, "save_figure", missing)
    told = []
    draw_curves(flipped_recipe, Setting(tmp_path, 3), "a caption", told.append)
    assert told == ["no curves.png: Figures need Matplotlib. pip install it"]


@pytest.mark.parametrize(("keep", "best"), [("last", None), ("validation_loss", "min"), ("validation_auroc", "max")])
def test_the_curves_mark_the_epoch_whose_weights_were_kept(run, flipped_recipe, tmp_path, monkeypatch, keep, best):
    shutil.copy(run[0] / "history.csv", tmp_path)
    asked = {}
    monkeypatch.setattr(whole_run, "training_curves", lambda rows, **given: asked.update(given))
    monkeypatch.setattr(whole_run, "save_figure", lambda *_: None)
    draw_curves(replace(flipped_recipe, keep=keep), Setting(tmp_path, 3), "a caption", lambda _: None)
    values = [row[keep] for row in read_history(tmp_path / "history.csv")] if best else []
    wanted = 1 + values.index({"min": min, "max": max}[best](values)) if best else None
    assert asked == {"selected_epoch": wanted, "caption": "a caption"}


def test_a_run_that_is_gone_on_with_needs_no_published_weights(recipe, tmp_path):
    published = replace(recipe, weights="published")  # there are none of the tiny network
    with pytest.raises((UnusableRecipe, MissingExtra)):
        network(published, None, Setting(tmp_path, 3))
    (tmp_path / "checkpoint.pt").touch()
    assert network(published, None, Setting(tmp_path, 3)).backbone.name == "tiny"


def test_the_same_seed_begins_with_the_same_weights(recipe, tmp_path):
    first, again, other = (
        network(recipe, None, Setting(tmp_path, seed)).backbone.blocks.block1[0].weight for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_map_s_grid_is_the_recipe_s(tmp_path):
    settings = ["weights=random", "map_stride=16", "trained_map_stride=32", "map_centred=true"]
    recipe = load_recipe("efficientnet-lite0", settings)
    trained = network(recipe, None, Setting(tmp_path, 0)).eval()
    exported = as_exported(trained, recipe)
    radiograph = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        assert trained(radiograph).saliency_map.shape == (1, 2, 2)
        assert exported(radiograph).saliency_map.shape == (1, 4, 4)
    for model in (trained, exported):
        assert [block._depthwise_conv.odd_first for block in model.backbone._blocks].count(True) == 1
    for name, value in trained.state_dict().items():
        assert torch.equal(exported.state_dict()[name], value), name
    assert as_exported(trained, replace(recipe, map_stride=32)) is trained


@pytest.mark.parametrize("key", ["map_stride", "trained_map_stride"])
def test_a_stride_that_the_backbone_has_not_is_told_before_the_data_is_read(tmp_path, key):
    with pytest.raises(UnusableRecipe, match="no feature map of stride 32"):
        network(load_recipe("tiny", [f"{key}=32"]), None, Setting(tmp_path, 0))


def test_a_wrong_part_in_the_last_stage_is_told_before_the_first(tmp_path):
    recipe = load_recipe("tiny")
    late = replace(recipe, stages=(*recipe.stages, replace(recipe.stages[0], frozen_through="block9")))
    with pytest.raises(UnusableRecipe, match=r"part-unknown.*block1"):
        whole_run.network(late, None, Setting(tmp_path, 0))
