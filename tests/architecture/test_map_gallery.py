"""What the documents say of the thirty maps, and of compressed bundles, holds in the files that were written."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

PROJECT = Path(__file__).parents[2]
DOCUMENT = (PROJECT / "docs/explanation/what-the-map-shows.md").read_text("utf-8")
FLOWING = " ".join(DOCUMENT.split())
"""The document as one line, so that a sentence is found wherever its lines break."""


@pytest.fixture(scope="module")
def gallery():
    return json.loads((PROJECT / "results/map-gallery.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def quantised():
    return json.loads((PROJECT / "results/quantised.json").read_text("utf-8"))


def of_group(gallery, group):
    return [one for one in gallery["radiographs"] if one["group"] == group]


def hottest_places(gallery):
    share = np.array(gallery["all"]["share_of_hottest_places"])
    assert share.shape == (14, 14)
    assert share.sum() == pytest.approx(1, abs=1e-3)
    return share


def test_the_maps_are_those_of_the_shipped_model_on_validation_patients(gallery, quantised, shipped_bundle):
    sha256 = hashlib.sha256(shipped_bundle.model).hexdigest()
    assert gallery["model_sha256"] == quantised["model_sha256"] == sha256
    assert gallery["split"] == quantised["measured_on"]["split"] == "validation"
    paths = [one["path"] for one in gallery["radiographs"]]
    assert len(set(paths)) == 30
    assert all(
        path.startswith("train/") for path in paths
    )  # of the official train part, from which validation is held out


def test_the_validation_part_is_as_large_as_the_document_says(gallery):
    assert gallery["all"]["radiographs"] == sum(gallery["of"].values()) == 263
    assert "263 radiographs: 5 %" in FLOWING


def test_the_only_false_positive_is_shown(gallery):
    assert len(of_group(gallery, "false-positive")) == gallery["of"]["false-positive"] == 1


def test_every_heading_counts_the_radiographs_of_its_group(gallery):
    titles = {
        "false-positive": "Wrongly called pneumonia",
        "false-negative": "Missed",
        "uncertain": "Right, but uncertain",
        "true-positive": "Rightly called pneumonia",
        "true-negative": "Rightly called normal",
    }
    for group, title in titles.items():
        numbers = [one["number"] for one in of_group(gallery, group)]
        span = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert f"## {title} ({span})\n" in DOCUMENT


def test_every_group_has_its_pictures_in_the_document_and_they_are_small(gallery):
    groups = {one["group"] for one in gallery["radiographs"]}
    pictures = [PROJECT / f"docs/pictures/maps-{group}.jpg" for group in groups]
    assert all(f"maps-{group}.jpg" in DOCUMENT for group in groups)
    assert sum(picture.stat().st_size for picture in pictures) < 600_000
    assert "CC BY 4.0" in DOCUMENT


def test_the_hottest_place_is_never_at_the_rim_the_top_or_in_the_middle(gallery):
    share = hottest_places(gallery)
    assert share[:3].sum() == share[10:].sum() == share[:, :2].sum() == share[:, 6:8].sum() == share[:, 11:].sum() == 0


def test_the_hottest_place_is_mostly_in_the_right_lung_and_often_one_of_four(gallery):
    share = hottest_places(gallery)
    right_lung, same_four = share[:, :7].sum(), share[4:8, 4].sum()
    assert f"lung in {right_lung:.0%}".replace("%", " %") in FLOWING
    assert f"places of it in {same_four:.0%}".replace("%", " %") in FLOWING
    shown = [one["hottest_place"]["column"] < 7 for one in of_group(gallery, "true-positive")]
    assert (sum(shown), len(shown)) == (10, 13)


def test_nine_of_thirteen_true_positives_glow_alike_and_in_the_others_the_right_lung_is_stronger(gallery):
    pairs = {one["number"]: (one["right_lung"], one["left_lung"]) for one in of_group(gallery, "true-positive")}
    assert all(min(pair) > 0 for pair in pairs.values())
    unlike = {number for number, pair in pairs.items() if max(pair) >= 1.6 * min(pair)}
    assert unlike == {15, 21, 22, 26}
    assert all(pairs[number][0] > pairs[number][1] for number in unlike | {18, 23})
    assert pairs[22][0] == pytest.approx(4 * pairs[22][1], rel=0.01)
    assert pairs[15][1] < pairs[15][0] / 2
    assert gallery["all"]["both_lungs_alike"] == pytest.approx(2 / 3, abs=0.03)


def test_the_false_positive_is_paler_than_certain_answers_but_not_than_uncertain_ones_and_none_is_doubted(gallery):
    (wrong,) = of_group(gallery, "false-positive")
    assert wrong["speaks_for"] < min(one["speaks_for"] for one in of_group(gallery, "true-positive"))
    assert wrong["zone"] == "uncertain"
    paler = {one["number"] for one in of_group(gallery, "uncertain") if one["speaks_for"] < wrong["speaks_for"]}
    assert paler == {10, 12}
    assert all(one["label"] == "PNEUMONIA" for one in of_group(gallery, "uncertain"))
    assert wrong["right_lung"] > wrong["left_lung"] > 0
    assert wrong["hottest_place"]["column"] == 4
    assert 4 <= wrong["hottest_place"]["row"] < 8
    assert not any(one["doubt"] for one in gallery["radiographs"])


def test_as_much_of_the_false_positives_evidence_lies_inside_the_lungs(gallery):
    wrong, right = (gallery["all"][f"evidence_for_inside_lungs_where_{which}"] for which in ("wrong", "right"))
    assert round(wrong, 2) == round(right, 2) == 0.98


def test_occlusion_hardly_agrees_with_the_false_positive_and_four_right_answers(gallery):
    positive = [one for group in ("false-positive", "uncertain", "true-positive") for one in of_group(gallery, group)]
    assert {one["number"] for one in positive if one["agreement_with_occlusion"] < 0.1} == {1, 10, 13, 15, 16}


def test_the_one_miss_with_something_red_is_the_one_that_is_left_open(gallery):
    misses = {one["number"]: one for one in of_group(gallery, "false-negative")}
    assert {number for number, one in misses.items() if one["speaks_for"] > 0.1} == {4}
    assert {number for number, one in misses.items() if one["zone"] == "uncertain"} == {4}


def test_two_misses_are_as_blue_as_normal_films(gallery):
    against = {one["number"]: one["speaks_against"] for one in gallery["radiographs"]}
    assert all(against[missed] < 0.9 * max(against[27], against[28]) for missed in (2, 9))
    assert all(one["speaks_for"] < 0.001 for one in of_group(gallery, "true-negative"))


def test_evidence_for_and_against_lies_inside_the_lungs(gallery):
    assert gallery["all"]["evidence_for_inside_lungs"] > 0.9
    assert gallery["all"]["evidence_against_outside_lungs"] < 0.1
    assert max(gallery["radiographs"], key=lambda one: one["outside"])["number"] == 20


def test_the_gate_stops_what_ruins_the_map(quantised):
    for one in quantised["compressed"].values():
        gate = one["gate"]
        passes = (
            gate["against.correlation"]["value"] >= 0.98
            and gate["against.hottest-cell"]["value"] >= 0.9
            and gate["adds-up.largest-difference"]["value"] <= 0.001
        )
        assert one["passes_the_gate"] == passes
    passing = {name for name, one in quantised["compressed"].items() if one["passes_the_gate"]}
    assert passing == {"fp16-storage"}
