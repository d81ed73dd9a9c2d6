"""What the documents say of the thirty maps, and of compressed bundles, holds in the files that were written."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

PROJECT = Path(__file__).parents[2]
DOCUMENT = (PROJECT / "docs/explanation/what-the-map-shows.md").read_text("utf-8")


@pytest.fixture(scope="module")
def gallery():
    return json.loads((PROJECT / "results/map-gallery.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def quantised():
    return json.loads((PROJECT / "results/quantised.json").read_text("utf-8"))


def of_group(gallery, group):
    return [one for one in gallery["radiographs"] if one["group"] == group]


def test_the_maps_are_those_of_the_shipped_model_on_validation_patients(gallery, quantised, shipped_bundle):
    sha256 = hashlib.sha256(shipped_bundle.model).hexdigest()
    assert gallery["model_sha256"] == quantised["model_sha256"] == sha256
    assert gallery["split"] == quantised["measured_on"]["split"] == "validation"
    paths = [one["path"] for one in gallery["radiographs"]]
    assert len(set(paths)) == 30
    assert all(
        path.startswith("train/") for path in paths
    )  # of the official train part, from which validation is held out


def test_every_false_positive_and_every_uncertain_answer_is_shown(gallery):
    for group in ("false-positive", "uncertain"):
        assert len(of_group(gallery, group)) == gallery["of"][group]


def test_every_group_has_its_pictures_in_the_document_and_they_are_small(gallery):
    groups = {one["group"] for one in gallery["radiographs"]}
    pictures = [PROJECT / f"docs/pictures/maps-{group}.jpg" for group in groups]
    assert all(f"maps-{group}.jpg" in DOCUMENT for group in groups)
    assert sum(picture.stat().st_size for picture in pictures) < 600_000
    assert "CC BY 4.0" in DOCUMENT


def test_heat_knows_twelve_places(gallery):
    share = np.array(gallery["all"]["share_of_hottest_places"])
    assert share.sum() == pytest.approx(1, abs=1e-3)
    assert share[2:5][:, [1, 2, 4, 5]].sum() == pytest.approx(share.sum())


def test_seven_of_ten_true_positives_glow_alike_on_both_sides(gallery):
    pairs = [(one["right_lung"], one["left_lung"]) for one in of_group(gallery, "true-positive")]
    assert len(pairs) == 10
    assert sum(0 < max(pair) < 1.6 * min(pair) for pair in pairs) == 7


def test_false_positives_are_not_told_by_where_their_heat_lies(gallery):
    wrong, right = (
        [one["heat_inside_lungs"] for one in of_group(gallery, group)] for group in ("false-positive", "true-positive")
    )
    assert min(wrong) > min(right)
    assert not any(one["doubt"] for one in gallery["radiographs"])


def test_evidence_against_lies_outside_of_the_lungs_for_the_greater_part(gallery):
    assert gallery["all"]["evidence_against_outside_lungs"] > 0.5
    assert gallery["all"]["evidence_for_inside_lungs"] > 0.95


def test_the_gate_stops_what_ruins_the_map(quantised):
    for one in quantised["compressed"].values():
        gate = one["gate"]
        passes = (
            gate["against.correlation"]["value"] >= 0.98
            and gate["against.hottest-cell"]["value"] >= 0.9
            and gate["adds-up.largest-difference"]["value"] <= 0.001
        )
        assert one["passes_the_gate"] == passes
    assert not quantised["compressed"]["int8-every-convolution"]["passes_the_gate"]
