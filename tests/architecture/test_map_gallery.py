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


def lungs_of(gallery, group):
    """Evidence of the right and of the left lung, by the number of the radiograph."""
    return {one["number"]: (one["right_lung"], one["left_lung"]) for one in of_group(gallery, group)}


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


def test_no_normal_film_was_called_pneumonia_and_eight_of_the_missed_ones_are_shown(gallery):
    assert gallery["of"]["false-positive"] == len(of_group(gallery, "false-positive")) == 0
    assert not (PROJECT / "docs/pictures/maps-false-positive.jpg").exists()
    assert f"{gallery['of']['false-negative']} pneumonias were missed" in FLOWING
    assert len(of_group(gallery, "false-negative")) == 8


def test_every_heading_counts_the_radiographs_of_its_group(gallery):
    titles = {
        "false-negative": "Missed",
        "uncertain": "Right, but uncertain",
        "true-positive": "Rightly called pneumonia",
        "true-negative": "Rightly called normal",
    }
    assert {one["group"] for one in gallery["radiographs"]} == set(titles)
    for group, title in titles.items():
        numbers = [one["number"] for one in of_group(gallery, group)]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert f"## {title} ({numbers[0]} to {numbers[-1]})\n" in DOCUMENT


def test_every_group_has_its_pictures_in_the_document_and_they_are_small(gallery):
    groups = {one["group"] for one in gallery["radiographs"]}
    pictures = [PROJECT / f"docs/pictures/maps-{group}.jpg" for group in groups]
    assert all(f"maps-{group}.jpg" in DOCUMENT for group in groups)
    assert sum(picture.stat().st_size for picture in pictures) < 600_000
    assert "CC BY 4.0" in DOCUMENT


def test_the_hottest_place_is_never_at_the_rim_the_top_or_in_the_middle(gallery):
    share = hottest_places(gallery)
    assert share[:4].sum() == share[9:].sum() == share[:, :2].sum() == share[:, 5:8].sum() == share[:, 12:].sum() == 0


def test_the_hottest_place_is_mostly_in_the_left_lung_and_often_one_of_four(gallery):
    share = hottest_places(gallery)
    left_lung, same_four = share[:, 7:].sum(), share[6:8, [4, 9]].sum()
    assert f"left lung in {left_lung:.0%} of".replace("%", " %") in FLOWING
    assert f"two in each lung, in {same_four:.0%}:".replace("%", " %") in FLOWING
    shown = [one["hottest_place"]["column"] >= 7 for one in of_group(gallery, "true-positive")]
    assert (sum(shown), len(shown)) == (9, 14)


def test_eleven_of_fourteen_true_positives_glow_alike_and_in_the_others_the_left_lung_is_stronger(gallery):
    pairs = lungs_of(gallery, "true-positive")
    assert all(min(pair) > 0 for pair in pairs.values())
    unlike = {number for number, pair in pairs.items() if max(pair) >= 1.6 * min(pair)}
    assert (len(pairs), unlike) == (14, {13, 14, 16})
    assert {number for number, (right, left) in pairs.items() if right > left} == {21, 25}
    assert gallery["all"]["both_lungs_alike"] == pytest.approx(3 / 4, abs=0.03)


def test_how_many_times_one_lung_carries_of_the_other_is_as_the_document_says(gallery):
    times = {number: left / right for number, (right, left) in lungs_of(gallery, "true-positive").items()}
    assert times[16] == pytest.approx(3, rel=0.05)
    assert times[14] > 2 > times[13] > 1.8
    assert max(times[number] for number in (19, 20, 21, 23)) < 1.3
    uncertain = {number: left / right for number, (right, left) in lungs_of(gallery, "uncertain").items()}
    assert uncertain[9] == pytest.approx(10, rel=0.05)
    assert 2.7 < uncertain[10] < 3
    assert 0.7 < uncertain[11] < 0.8


def test_where_one_lung_looks_worse_the_heat_is_often_in_the_other(gallery):
    by_number = {one["number"]: one for one in of_group(gallery, "true-positive")}
    assert all(by_number[number]["hottest_place"]["column"] < 7 for number in (19, 20, 21, 23))
    assert all(by_number[number]["left_lung"] > by_number[number]["right_lung"] for number in (14, 18, 26))
    assert by_number[18]["left_lung"] < 1.2 * by_number[18]["right_lung"]


def test_eleven_true_positives_reach_the_end_of_the_colour_scale(gallery):
    hottest = [one["hottest_place"]["logit"] for one in of_group(gallery, "true-positive")]
    assert sum(logit >= gallery["scale_logit"] for logit in hottest) == 11


def test_uncertain_right_answers_are_pneumonias_with_less_evidence_than_every_certain_one(gallery):
    uncertain = of_group(gallery, "uncertain")
    assert all(one["label"] == "PNEUMONIA" and one["zone"] == "uncertain" for one in uncertain)
    certain = min(one["speaks_for"] for one in of_group(gallery, "true-positive"))
    assert max(one["speaks_for"] for one in uncertain) < certain


def test_none_of_the_thirty_is_doubted(gallery):
    assert not any(one["doubt"] for one in gallery["radiographs"])


def test_occlusion_hardly_agrees_with_three_right_answers_and_well_with_most_misses(gallery):
    positive = [one for group in ("uncertain", "true-positive") for one in of_group(gallery, group)]
    assert {one["number"] for one in positive if one["agreement_with_occlusion"] < 0.1} == {9, 16, 18}
    misses = [one["agreement_with_occlusion"] for one in of_group(gallery, "false-negative")]
    assert sum(agreement > 0.4 for agreement in misses) > len(misses) / 2


def test_the_misses_with_something_red_are_the_ones_that_are_left_open(gallery):
    misses = {one["number"]: one for one in of_group(gallery, "false-negative")}
    assert {number for number, one in misses.items() if one["speaks_for"] > 0.1} == {1, 2, 5, 6, 7}
    assert {number for number, one in misses.items() if one["zone"] == "uncertain"} == {1, 2, 5, 6, 7}
    assert all(misses[number]["speaks_for"] < 0.02 for number in (3, 4, 8))


def test_misses_are_paler_than_normal_films_and_the_third_is_the_bluest(gallery):
    misses = {one["number"]: -one["speaks_against"] for one in of_group(gallery, "false-negative")}
    normal = of_group(gallery, "true-negative")
    assert max(misses, key=misses.get) == 3
    assert max(misses.values()) < min(-one["speaks_against"] for one in normal)
    assert all(one["speaks_for"] < 0.001 for one in normal)


def test_two_misses_are_blue_on_the_right_and_less_than_half_as_much_on_the_left(gallery):
    pairs = lungs_of(gallery, "false-negative")
    assert all(pairs[number][0] < 2 * pairs[number][1] < 0 for number in (4, 8))


def test_the_red_spots_that_are_outvoted_are_on_the_sides_the_document_names(gallery):
    hottest = {one["number"]: one["hottest_place"] for one in gallery["radiographs"]}
    assert all(hottest[number]["column"] >= 7 and hottest[number]["row"] >= 7 for number in (1, 2, 7, 10))
    assert all(hottest[number]["column"] < 7 for number in (5, 6, 12))


def test_both_lungs_of_normal_films_are_blue_alike(gallery):
    pairs = lungs_of(gallery, "true-negative").values()
    assert all(max(pair) < 0 and min(pair) > 1.3 * max(pair) for pair in pairs)


def test_evidence_for_and_against_lies_inside_the_lungs(gallery):
    assert gallery["all"]["evidence_for_inside_lungs"] > 0.95
    assert gallery["all"]["evidence_against_outside_lungs"] < 0.02
    assert max(abs(one["outside"]) for one in gallery["radiographs"]) < 0.1


def test_maps_have_much_the_same_shape_in_every_film(gallery):
    assert min(gallery["all"]["likeness_to_the_mean_map"].values()) > 0.75


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
