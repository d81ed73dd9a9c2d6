import json
import math

import numpy as np
import pytest
import torch
from PIL import Image

from pneumoscope.dataset.manifest import Label, ManifestRow, Split
from pneumoscope.errors import UnusableData
from pneumoscope.inference.lungs import LungSegmenter
from pneumoscope.training.compute import Compute
from pneumoscope.training.data import DataSource, TrainingData
from pneumoscope.training.description import load_description
from pneumoscope.training.lung_limits import (
    draft_spec,
    gate_counts,
    negatives_of,
    overlap_summary,
    overlaps_of,
    segmenter_of,
    with_limits,
)
from pneumoscope.training.lung_negatives import KINDS, drawn, negative, with_negatives
from pneumoscope.training.lung_run import lung_run
from pneumoscope.training.lungs import LungRecipe, rate_of, segmentation_loss, train_lungs
from support.lung_graphs import SPEC, film, with_dark_lungs

SMALL = LungRecipe(epochs=2, size_px=64, batch_size=4, warmup_steps=2)


def row(index: int, split: Split = Split.TRAIN) -> ManifestRow:
    label = Label.PNEUMONIA if index % 2 else Label.NORMAL
    return ManifestRow(f"train/{index}.png", str(index), label, "", f"p{index // 2}", split, 224, 224, "L")


def films(count: int, *, split: Split = Split.TRAIN) -> TrainingData:
    """Films whose dark fields are their masks."""
    pictures = np.stack([film(right=(56, 168, 28, 60 + 4 * index)) for index in range(count)])
    return TrainingData(
        [row(index, split) for index in range(count)], pictures, (pictures < 128).astype(np.uint8) * 255
    )


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small(data: TrainingData) -> TrainingData:
    return TrainingData(data.rows, data.pictures[:, ::2, ::2][:, :96, :96], data.lung_masks[:, ::2, ::2][:, :96, :96])


def test_finding_nothing_where_nothing_is_costs_nothing():
    nothing = torch.zeros(1, 1, 10, 10)
    assert segmentation_loss(torch.full((1, 1, 10, 10), -30.0), nothing) == pytest.approx(0, abs=1e-6)


def test_the_loss_is_cross_entropy_plus_one_minus_dice():
    half = torch.zeros(1, 1, 2, 2)
    half[..., 0] = 1
    expected = math.log(2) + 1 - (2 * 1 + 1) / (2 + 2 + 1)
    assert segmentation_loss(torch.zeros(1, 1, 2, 2), half) == pytest.approx(expected)


def test_the_learning_rate_rises_and_falls_to_zero():
    rates = [rate_of(SMALL, step, 20) for step in range(21)]
    assert rates[0] == pytest.approx(SMALL.learning_rate / 2)
    assert max(rates) == rates[1]
    assert rates[-1] == pytest.approx(0)


def test_the_same_seed_trains_the_same_network():
    data = small(films(8))
    first, second = (
        train_lungs(SMALL, data, Compute(torch.device("cpu")), seed=5, tell=lambda line: None) for _ in range(2)
    )
    for one, other in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_radiographs_without_a_mask_are_left_out_and_too_few_are_refused():
    data = small(films(8))
    data.lung_masks[3:] = 0
    with pytest.raises(UnusableData, match=r"3 radiographs.*batch needs 4"):
        train_lungs(SMALL, data, Compute(torch.device("cpu")), seed=0, tell=lambda line: None)


def test_nothing_is_learnt_or_chosen_on_the_test_split(shipped_bundle):
    data = films(4, split=Split.TEST)
    with pytest.raises(UnusableData, match="test-rows-refused"):
        train_lungs(SMALL, data, Compute(torch.device("cpu")), seed=0, tell=lambda line: None)
    with pytest.raises(UnusableData, match="test-rows-refused"):
        with_limits(draft_spec(224), LungSegmenter(with_dark_lungs(shipped_bundle)), data)


def tensors(gray: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(gray)[None, None].float() / 255, torch.from_numpy(gray < 128)[None, None].float()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "beside-the-lungs"])
def test_a_negative_has_an_empty_mask_and_is_another_picture_of_the_same_size(kind):
    picture, mask = tensors(film(left=(20, 100, 130, 200)))
    made, empty = negative(kind, picture, mask, generator=generator())
    assert made.shape == picture.shape
    assert not empty.any()
    assert not torch.equal(made, picture)
    assert 0 <= made.min() <= made.max() <= 1


def test_a_shuffled_film_has_the_same_pixels():
    picture = torch.rand(1, 1, 64, 64, generator=generator())
    made, _ = negative("shuffled", picture, torch.zeros_like(picture), generator=generator())
    assert torch.equal(made.flatten().sort().values, picture.flatten().sort().values)


def test_a_window_beside_the_lungs_avoids_them_where_it_can():
    picture, mask = tensors(film(right=(0, 60, 0, 60), left=(0, 60, 60, 100)))
    for seed in range(5):
        made, left_over = negative("beside-the-lungs", picture, mask, generator=generator(seed))
        assert not left_over.any()
        assert made.min() > 0.5


def test_what_is_drawn_stays_within_the_gray_levels():
    for seed in range(20):
        made = drawn(64, generator=generator(seed))
        assert made.shape == (1, 1, 64, 64)
        assert made.isfinite().all()
        assert 0 <= made.min() <= made.max() <= 1 + 1e-6


def test_only_the_wanted_share_of_a_batch_becomes_negative():
    pictures = torch.rand(8, 1, 64, 64, generator=generator())
    masks = torch.ones_like(pictures)
    changed, left = with_negatives(pictures, masks, share=0.25, generator=generator())
    assert torch.equal(changed[2:], pictures[2:])
    assert left[2:].all()
    assert not torch.equal(changed[0], pictures[0])
    assert not torch.equal(changed[1], pictures[1])


def test_limits_come_from_the_lungs_that_are_found_in_train(shipped_bundle):
    data = films(8)
    draft = draft_spec(224)
    spec = with_limits(draft, segmenter_of(shipped_bundle, with_dark_lungs(shipped_bundle).lungs, draft), data)
    areas = [(112 * (32 + 4 * index) + 112 * 56) / 224**2 for index in range(8)]
    assert spec.area_share == pytest.approx(tuple(np.quantile(areas, [0.005, 0.995])))
    assert spec.least_area_share == pytest.approx(0.25 * np.quantile(areas, 0.001))
    assert spec.centre_row == pytest.approx((0.5, 0.5))
    assert spec.smaller_lung_share == pytest.approx(32 / 88, abs=0.01)


def test_overlap_with_the_masks_is_measured_by_patient(shipped_bundle):
    data = films(6, split=Split.VALIDATION)
    data.lung_masks[0, :, 112:] = 0  # the mask lacks the left lung: 32 of 88 columns remain
    data.lung_masks[5] = 0  # no mask: left out
    overlaps = overlaps_of(LungSegmenter(with_dark_lungs(shipped_bundle)), data)
    assert overlaps.intersection_over_union == pytest.approx([32 / 88, 1, 1, 1, 1])
    assert overlaps.dice == pytest.approx([2 * 32 / (32 + 88), 1, 1, 1, 1])
    summary = overlap_summary(overlaps, resamples=50, generator=np.random.default_rng(0))
    assert (summary["radiographs"], summary["patients"]) == (5, 3)
    found = summary["intersection_over_union"]["all"]
    assert found["value"] == pytest.approx((32 / 88 + 4) / 5)
    assert found["low"] < found["value"] <= found["high"]
    assert summary["lowest"]["intersection_over_union"] == pytest.approx(32 / 88)


def test_the_gate_counts_what_it_refuses_and_what_it_warns_of(shipped_bundle):
    segmenter = LungSegmenter(with_dark_lungs(shipped_bundle))
    pictures = [film(), np.full((224, 224), 200, np.uint8), film(right=(0, 40, 0, 60), left=(0, 40, 180, 200))]
    assert gate_counts(segmenter, pictures) == {"pictures": 3, "refused": 1, "warned": 1}
    assert segmenter.spec == SPEC


def test_negatives_of_a_set_leave_out_windows_with_lung_in_them():
    data = films(4, split=Split.VALIDATION)
    assert len(list(negatives_of("turned", data, seed=0))) == 4
    data.lung_masks[:] = 255
    assert list(negatives_of("beside-the-lungs", data, seed=0)) == []


def written_films(folder, count: int) -> DataSource:
    """A data folder and a folder of masks in the Kermany layout; half of the films are of the official test."""
    for index in range(count):
        label, name = (("NORMAL", f"IM-{index:04}-0001"), ("PNEUMONIA", f"person{index}_bacteria_1"))[index % 2]
        gray = film(right=(56, 168, 28, 60 + 2 * index))
        for split in ("train", "test"):
            for kind, picture in (("data", gray), ("masks", (gray < 128).astype(np.uint8) * 255)):
                path = folder / kind / split / label / f"{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                if (kind, split) != ("data", "test"):
                    Image.fromarray(picture).save(path)
                else:
                    path.write_bytes(b"never opened")
    return DataSource(folder / "data", None, folder / "masks", folder / "cache")


def test_a_whole_run_writes_graph_and_measurement_and_never_opens_the_test_split(shipped_bundle, tmp_path):
    run = lung_run(
        LungRecipe(validation_share=0.4),
        written_films(tmp_path, 12),
        shipped_bundle,
        Compute(torch.device("cpu")),
        description=load_description("kermany"),
        output=tmp_path / "run",
        report=tmp_path / "report.json",
        seed=0,
        graph=with_dark_lungs(shipped_bundle).lungs,
        tell=lambda line: None,
    )
    measured = json.loads((tmp_path / "report.json").read_text())
    assert (tmp_path / "run/lungs.onnx").read_bytes() == run.graph
    assert measured["validation"]["intersection_over_union"]["all"]["value"] == 1
    assert measured["gate"]["radiographs"]["refused"] == 0
    assert measured["training_data"]["radiographs"] + measured["validation"]["radiographs"] == 12
    assert run.spec.metrics["validation"] == run.measured["validation"]
