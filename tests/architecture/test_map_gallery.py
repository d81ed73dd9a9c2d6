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
    assert share[:4].sum() == share[10:].sum() == share[:, :2].sum() == share[:, 5:8].sum() == share[:, 12:].sum() == 0


def test_the_hottest_place_is_often_one_of_four_and_as_often_in_the_left_lung_as_the_document_says(gallery):
    share = hottest_places(gallery)
    left_lung, same_four = share[:, 7:].sum(), share[6:8, [4, 9]].sum()
    assert f"left lung in {left_lung:.0%} (".replace("%", " %") in FLOWING
    assert f"two in each lung, in {same_four:.0%} of".replace("%", " %") in FLOWING
    shown = [one["hottest_place"]["column"] >= 7 for one in of_group(gallery, "true-positive")]
    assert (sum(shown), len(shown)) == (6, 14)


def test_both_lungs_of_all_true_positives_glow_alike_and_eight_have_more_on_the_right(gallery):
    pairs = lungs_of(gallery, "true-positive")
    assert len(pairs) == 14
    assert all(1.6 * min(pair) > max(pair) for pair in pairs.values())
    more_on_the_right = {number for number, (right, left) in pairs.items() if right > left}
    hottest_on_the_right = {
        one["number"] for one in of_group(gallery, "true-positive") if one["hottest_place"]["column"] < 7
    }
    assert more_on_the_right == hottest_on_the_right == {13, 17, 18, 20, 21, 22, 24, 26}
    assert gallery["all"]["both_lungs_alike"] == pytest.approx(0.9, abs=0.03)


def test_how_many_times_one_lung_carries_of_the_other_is_as_the_document_says(gallery):
    times = {number: left / right for number, (right, left) in lungs_of(gallery, "true-positive").items()}
    assert times[23] == pytest.approx(1.5, abs=0.06)
    assert all(0.64 < 1 / times[number] < 0.77 for number in (14, 23, 25))
    assert 1 < times[16] < 1.1
    assert 1 < times[15] < 1.1
    assert 0.9 < times[24] < 1
    uncertain = {number: left / right for number, (right, left) in lungs_of(gallery, "uncertain").items()}
    assert 1 < uncertain[11] < 1.15
    assert uncertain[10] < 0.5
    assert uncertain[12] == pytest.approx(0.9, abs=0.05)


def test_where_one_lung_looks_worse_the_hottest_place_can_be_in_the_other(gallery):
    columns = {one["number"]: one["hottest_place"]["column"] for one in of_group(gallery, "true-positive")}
    assert columns[24] < 7 <= columns[16]


def test_twelve_true_positives_reach_the_end_of_the_colour_scale(gallery):
    hottest = [one["hottest_place"]["logit"] for one in of_group(gallery, "true-positive")]
    assert sum(logit >= gallery["scale_logit"] for logit in hottest) == 12


def test_uncertain_right_answers_are_pneumonias_with_less_evidence_than_every_certain_one(gallery):
    uncertain = of_group(gallery, "uncertain")
    assert all(one["label"] == "PNEUMONIA" and one["zone"] == "uncertain" for one in uncertain)
    certain = min(one["speaks_for"] for one in of_group(gallery, "true-positive"))
    assert max(one["speaks_for"] for one in uncertain) < certain


def test_none_of_the_thirty_is_doubted(gallery):
    assert not any(one["doubt"] for one in gallery["radiographs"])


def test_occlusion_contradicts_eight_right_answers_and_agrees_with_seven_of_eight_misses(gallery):
    positive = [one for group in ("uncertain", "true-positive") for one in of_group(gallery, group)]
    agreement = {one["number"]: one["agreement_with_occlusion"] for one in positive}
    assert (sum(value < 0 for value in agreement.values()), len(agreement)) == (8, 18)
    assert min(agreement.values()) == pytest.approx(-0.54, abs=0.005)
    misses = sorted(one["agreement_with_occlusion"] for one in of_group(gallery, "false-negative"))
    assert misses[0] < 0.1
    assert (misses[1], misses[7]) == pytest.approx((0.36, 0.76), abs=0.005)


def test_the_misses_with_a_red_spot_low_on_the_right_are_the_ones_that_are_left_open(gallery):
    misses = {one["number"]: one for one in of_group(gallery, "false-negative")}
    red = {number for number, one in misses.items() if one["speaks_for"] > 0.08}
    assert red == {number for number, one in misses.items() if one["zone"] == "uncertain"} == {2, 4, 6, 7, 8}
    assert max(misses, key=lambda number: misses[number]["speaks_for"]) == 6
    assert {n for n in red if misses[n]["speaks_for"] + misses[n]["speaks_against"] > 0} == {4, 8}
    assert all(one["probability"] < 0.5 for one in misses.values())
    places = [misses[number]["hottest_place"] for number in red]
    assert all(place["column"] < 5 and place["row"] >= 7 for place in places)
    assert all(one["zone"] == "unlikely" for number, one in misses.items() if number not in red)


def test_a_missed_pneumonia_can_be_bluer_than_every_normal_film(gallery):
    misses = {one["number"]: -one["speaks_against"] for one in of_group(gallery, "false-negative")}
    normal = [-one["speaks_against"] for one in of_group(gallery, "true-negative")]
    assert misses[3] > max(normal)
    assert misses[1] == pytest.approx(min(normal), abs=0.1)
    assert max(misses[number] for number in (2, 4, 5, 6, 7, 8)) < min(normal)
    assert all(one["speaks_for"] < 0.001 for one in of_group(gallery, "true-negative"))


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
    assert passing == {"fp16-storage", "int8-trunk"}


def test_what_ships_changes_no_zone_and_the_smaller_copy_changes_two(quantised):
    answers = {name: one["answers"] for name, one in quantised["compressed"].items()}
    assert not any(answers["fp16-storage"]["decisions_changed"].values())
    assert not any(answers["int8-trunk"]["decisions_changed"].values())
    assert (answers["fp16-storage"]["zones_changed"], answers["int8-trunk"]["zones_changed"]) == (0, 2)
