"""`pneumoscope calibrate` as a person runs it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.bundle.bundle import open_bundle, write_bundle
from pneumoscope.evaluation.calibration import fit_platt
from pneumoscope.evaluation.operating_point import choose_operating_points
from pneumoscope.evaluation.zones import fit_zones

COUNT = 200


@pytest.fixture
def bundle(tmp_path, shipped_bundle):
    card = replace(shipped_bundle.card, zones=None)
    return write_bundle(tmp_path / "bundle", card, shipped_bundle.model).folder


@pytest.fixture
def fitting():
    generator = np.random.default_rng(11)
    labels = np.arange(COUNT) % 4 > 0
    return generator.normal(np.where(labels, 1.0, -2.0), 1.0), labels


@pytest.fixture
def scores(tmp_path, fitting):
    path = tmp_path / "hospital.csv"
    rows = [
        f"{number}.png,{'PNEUMONIA' if label else 'NORMAL'},{logit!r},p{number // 8}"
        for number, (logit, label) in enumerate(zip(*(values.tolist() for values in fitting), strict=True))
    ]
    path.write_text("\n".join(["path,label,logit,patient", *rows]) + "\n")
    return path


def test_everything_is_fitted_on_the_scores_and_the_model_stays(run, bundle, scores, fitting):
    before = open_bundle(bundle)
    status, out, err = run("calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation")
    assert status == 0, err
    after = open_bundle(bundle)
    assert after.model == before.model
    logits, labels = fitting
    calibration = fit_platt(logits, labels)
    assert after.card.calibration == calibration
    probabilities = np.array([calibration.probability(logit) for logit in logits.tolist()])
    assert list(after.card.operating_points) == choose_operating_points(probabilities, labels, chosen_on="validation")
    patients = np.arange(COUNT) // 8
    assert after.card.zones == fit_zones(probabilities, labels, patients, alpha=0.05, chosen_on="validation")
    assert "200 radiographs of 25 patients" in out


def test_the_card_records_on_what_it_was_fitted_and_drops_metrics_of_the_old_thresholds(run, bundle, scores):
    before = open_bundle(bundle).card
    run("calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation", "--alpha", 0.1)
    card = open_bundle(bundle).card
    (record,) = card.provenance["fitted_on"]
    assert record["fitted"] == ["calibration", "operating points", "zones"]
    assert (record["scores"], record["split"], record["alpha"]) == ("hospital.csv", "validation", 0.1)
    assert (record["radiographs"], record["patients"], record["with_finding"]) == (200, 25, 150)
    assert len(record["scores_sha256"]) == 64
    assert set(card.metrics) == {name for name, content in before.metrics.items() if "operating_points" not in content}
    assert card.provenance["test_openings"] == before.provenance["test_openings"]


def test_only_zones_touches_nothing_else(run, bundle, scores, tmp_path, fitting):
    status, _, err = run(
        "calibrate",
        "--bundle",
        bundle,
        "--scores",
        scores,
        "--split",
        "validation",
        "--only",
        "zones",
        "--output",
        tmp_path / "copy",
    )
    assert status == 0, err
    before, after = open_bundle(bundle), open_bundle(tmp_path / "copy")
    assert before.card.zones is None
    assert after.card.zones is not None
    assert after.model == before.model
    content = {folder: json.loads((folder / "card.json").read_text()) for folder in (bundle, tmp_path / "copy")}
    (old, new) = content.values()
    for card in (old, new):
        card.pop("zones", None)
        card["provenance"].pop("fitted_on", None)
    for card in (old, new):
        del card["checksums"]["card.json"]
    assert new == old
    logits, labels = fitting
    probabilities = np.array([before.card.calibration.probability(logit) for logit in logits.tolist()])
    expected = fit_zones(probabilities, labels, np.arange(COUNT) // 8, alpha=0.05, chosen_on="validation")
    assert after.card.zones == expected


@pytest.mark.parametrize(
    ("split", "column", "status", "code"),
    [
        ("test", None, 5, "test-rows-refused"),
        (None, "test", 5, "test-rows-refused"),
        (None, None, 2, "split-unknown"),
        ("validation", "test", 5, "split-empty"),
    ],
)
def test_the_test_split_chooses_nothing(run, bundle, scores, split, column, status, code):
    if column:
        lines = scores.read_text().splitlines()
        scores.write_text("\n".join([lines[0] + ",split", *(f"{line},{column}" for line in lines[1:])]) + "\n")
    before = (bundle / "card.json").read_bytes()
    stated = ("--split", split) if split else ()
    found, _, err = run("calibrate", "--bundle", bundle, "--scores", scores, *stated)
    assert found == status
    assert f"[{code}]" in err
    assert (bundle / "card.json").read_bytes() == before


def test_scores_without_logits_or_of_another_model_are_refused(run, bundle, scores):
    text = scores.read_text()
    origin = {
        "bundle": {"name": "other", "version": "1", "model_sha256": "0" * 64},
        "slope": 1.0,
        "intercept": 0.0,
        "data": "films",
        "made": "",
        **dict.fromkeys(("split", "manifest_sha256", "sizes_sha256")),
    }
    scores.with_suffix(".origin.json").write_text(json.dumps(origin))
    status, _, err = run("calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation")
    assert status == 5
    assert "[scores-of-another-model]" in err
    scores.with_suffix(".origin.json").unlink()
    lines = [line.replace(line.split(",")[2], "0.5") for line in text.splitlines()[1:]]
    scores.write_text("\n".join(["path,label,probability,patient", *lines]) + "\n")
    status, _, err = run("calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation")
    assert status == 5
    assert "no column logit" in err


def test_an_error_rate_that_cannot_be_is_refused(run, bundle, scores):
    status, _, err = run(
        "calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation", "--alpha", 1.5, "--only", "zones"
    )
    assert status == 2
    assert "[alpha-impossible]" in err


def test_scores_that_fall_with_the_finding_fit_no_calibration(run, bundle, scores):
    text = scores.read_text()
    turned = text.replace("PNEUMONIA", "x").replace("NORMAL", "PNEUMONIA").replace(",x,", ",NORMAL,")
    scores.write_text(turned)
    status, _, err = run("calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation")
    assert status == 5
    assert "[scores-uninformative]" in err


def test_what_was_fitted_anew_leaves_no_record_behind(run, bundle, scores):
    arguments = ("calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation")
    run(*arguments)
    for _ in range(2):
        run(*arguments, "--only", "zones")
    records = open_bundle(bundle).card.provenance["fitted_on"]
    assert [record["fitted"] for record in records] == [["calibration", "operating points", "zones"], ["zones"]]
    run(*arguments)
    assert len(open_bundle(bundle).card.provenance["fitted_on"]) == 1


@pytest.mark.parametrize("folder", ["test", "chest_xray/Test/NORMAL", r"films\test"])
def test_radiographs_of_a_test_folder_choose_nothing_whatever_they_are_called(run, bundle, scores, folder):
    scores.write_text(scores.read_text().replace("\n7.png", f"\n{folder}/7.png"))
    before = (bundle / "card.json").read_bytes()
    status, _, err = run("calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation")
    assert status == 5
    assert "[test-rows-refused]" in err
    assert "7.png" in err
    assert (bundle / "card.json").read_bytes() == before


def test_a_column_that_says_test_in_any_case_is_refused(run, bundle, scores):
    first, *lines = scores.read_text().splitlines()
    scores.write_text("\n".join([f"{first},split", *(f"{line},Test" for line in lines)]) + "\n")
    for stated in ((), ("--split", "validation")):
        status, _, err = run("calibrate", "--bundle", bundle, "--scores", scores, *stated)
        assert status == 5, err
    status, _, err = run("calibrate", "--bundle", bundle, "--scores", scores)
    assert "[test-rows-refused]" in err


def test_a_file_whose_name_is_test_is_none_of_the_test_split(run, bundle, scores):
    scores.write_text(scores.read_text().replace("\n7.png", "\ntest"))
    assert run("calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation")[0] == 0


def test_few_patients_are_warned_of_and_recorded(run, bundle, scores):
    _, _, err = run("calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation")
    assert "warning: only 25 patients with pneumonia" in err
    assert "warning: only 25 patients without pneumonia" in err
    (record,) = open_bundle(bundle).card.provenance["fitted_on"]
    assert [doubt[:16] for doubt in record["doubts"]] == ["only 25 patients"] * 2
    names, *rows = (line.rsplit(",", 1)[0] for line in scores.read_text().splitlines())
    scores.write_text("\n".join([names, *rows]) + "\n")
    _, out, err = run("calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation")
    assert "200 radiographs (patients unknown)" in out
    assert "warning" not in err
    (record,) = open_bundle(bundle).card.provenance["fitted_on"]
    assert "doubts" not in record


def test_zones_that_leave_everything_uncertain_are_said_to(run, bundle, scores):
    arguments = ("calibrate", "--bundle", bundle, "--scores", scores, "--split", "validation")
    _, _, err = run(*arguments, "--alpha", 0.01)
    assert "the zones leave every radiograph uncertain: 25 with and 25 without pneumonia are too few" in err
    _, _, err = run(*arguments, "--alpha", 0.1)
    assert "uncertain" not in err


def test_what_was_left_uncertain_on_purpose_stays_so(run, shipped_bundle, tmp_path, scores, fitting):
    assert shipped_bundle.card.zones is not None
    silent = replace(shipped_bundle.card, zones=replace(shipped_bundle.card.zones, uncertain_within_logit=0.5))
    folder = write_bundle(tmp_path / "silent", silent, shipped_bundle.model).folder
    status, _, err = run("calibrate", "--bundle", folder, "--scores", scores, "--split", "validation")
    assert status == 0, err
    card = open_bundle(folder).card
    probabilities = np.array([card.calibration.probability(logit) for logit in fitting[0].tolist()])
    fresh = fit_zones(probabilities, fitting[1], np.arange(COUNT) // 8, alpha=0.05, chosen_on="validation")
    assert card.zones == fresh.widened(card.calibration, 0.5)
    assert card.zones != fresh
