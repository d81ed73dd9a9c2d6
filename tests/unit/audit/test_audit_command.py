"""`pneumoscope audit` from files to verdicts, with the shipped bundle on phantoms."""

import json
from dataclasses import replace

import pytest

from pneumoscope.audit.question import ROWS, SECTIONS
from pneumoscope.bundle.bundle import open_bundle, write_bundle
from pneumoscope.dataset.manifest import Label, Split, write_manifest

LAX = "[heat]\ninside-lungs = { at_least = 0.0 }\n[appearance]\njpeg-90 = { at_most = 1.0 }\n"


@pytest.fixture
def lax(tmp_path):
    path = tmp_path / "lax.toml"
    path.write_text(LAX)
    return path


@pytest.fixture
def audit(run, labelled):
    def audit(*arguments, data=labelled.data, manifest=labelled.manifest, split="validation"):
        return run("audit", "--data", data, "--manifest", manifest, "--split", split, "--resamples", 100, *arguments)

    return audit


@pytest.fixture(scope="module")
def with_test_rows(labelled, tmp_path_factory):
    """The manifest with its validation rows called test rows."""
    path = tmp_path_factory.mktemp("manifest") / "manifest.csv"
    rows = [replace(row, split=Split.TEST) if row.split is Split.VALIDATION else row for row in labelled.rows]
    write_manifest(rows, path)
    return path


def test_every_row_is_judged_and_written(audit, labelled, lax, tmp_path):
    settings = ("--lung-masks", labelled.masks, "--sizes", labelled.sizes, "--limits", lax, "--output", tmp_path)
    status, out, err = audit(*settings)
    assert status == 0, err
    written = json.loads((tmp_path / "audit.json").read_text("utf-8"))
    rows = {row["row"]: row for row in written["rows"]}
    assert tuple(rows) == ROWS
    measured = {name for name, row in rows.items() if row["verdict"] != "not measured"}
    assert {name.split(".")[0] for name in measured} >= {"baselines", "lungs-removed", "only-lungs", "appearance"}
    # phantoms are smaller than what the model sees, and eight of them are alone in their strata
    unmeasurable = ("small-copy", "strata", "heat")
    assert not [name for name in set(ROWS) - measured if not any(part in name for part in unmeasurable)]
    assert all(row["why_not"] for row in rows.values() if row["verdict"] == "not measured")
    assert rows["appearance.jpeg-90"]["verdict"] == "pass"
    assert rows["appearance.jpeg-60"]["verdict"] == "no limit"
    assert written["radiographs"] == written["lung_masks"]["radiographs"] == 8
    assert written["cues_fitted_on"] == 12
    assert written["sizes"] == "original, from a table"
    assert written["limits"]["file"] == "lax.toml"
    assert "test_opening" not in written
    text = (tmp_path / "audit.md").read_text("utf-8")
    assert all(f"(`{name}`)" in text for name in ROWS)
    assert all(title in out and title in text for title in SECTIONS.values())


def test_the_same_seed_gives_the_same_audit(audit, labelled, lax, tmp_path):
    written = []
    for name in ("one", "other"):
        audit("--lung-masks", labelled.masks, "--limits", lax, "--output", tmp_path / name)
        content = json.loads((tmp_path / name / "audit.json").read_text("utf-8"))
        written.append({**content, "made": ""})
    assert written[0] == written[1]


def test_a_row_that_fails_ends_with_its_own_exit_status_after_everything_is_written(audit, tmp_path):
    limits = tmp_path / "strict.toml"
    limits.write_text("[appearance]\nmirrored = { at_least = 2.0 }\n")
    status, out, err = audit("--limits", limits, "--output", tmp_path)
    assert status == 10
    assert "appearance.mirrored" in err
    assert "[audit-failed]" in err
    assert "FAIL" in out
    assert json.loads((tmp_path / "audit.json").read_text("utf-8"))["summary"]["fail"] == 1
    assert "**FAIL**" in (tmp_path / "audit.md").read_text("utf-8")


def test_without_given_masks_the_bundle_estimates_them(audit, lax, tmp_path):
    status, _, _ = audit("--limits", lax, "--output", tmp_path)
    assert status == 0
    record = json.loads((tmp_path / "audit.json").read_text("utf-8"))["lung_masks"]
    assert record["source"] == "estimated by the bundle's lung segmentation"


def test_without_any_masks_the_rows_that_need_them_are_not_measured_and_do_not_fail(audit, lax, tmp_path):
    bundle = open_bundle()
    bare = write_bundle(tmp_path / "bundle", replace(bundle.card, lungs=None), bundle.model)
    status, out, _ = audit("--limits", lax, "--bundle", bare.folder)
    assert status == 0
    assert out.count("no lung masks") == 18


def test_the_opening_of_the_test_split_is_said_and_recorded(audit, lax, with_test_rows, tmp_path):
    bundle = open_bundle()
    own = write_bundle(tmp_path / "bundle", replace(bundle.card, provenance={"test_openings": []}), bundle.model)
    settings = ("--bundle", own.folder, "--limits", lax, "--output", tmp_path)
    _, _, err = audit(*settings, manifest=with_test_rows, split="test")
    assert "opens the test split (8 radiographs)" in err
    opening = json.loads((tmp_path / "audit.json").read_text("utf-8"))["test_opening"]
    assert (opening["radiographs"], opening["recorded_in_card"]) == (8, 0)
    assert open_bundle(own.folder).card.provenance["test_openings"] == []
    audit(*settings, "--into-card", manifest=with_test_rows, split="test")
    recorded = open_bundle(own.folder).card.provenance["test_openings"]
    assert [(entry["radiographs"], entry["by"]) for entry in recorded] == [(8, "audit")]


def test_an_empty_split_is_told(audit):
    status, _, err = audit(split="test")
    assert status == 5
    assert "[split-empty]" in err


def test_one_class_is_told_before_anything_is_read(audit, labelled, tmp_path):
    write_manifest([row for row in labelled.rows if row.label is Label.NORMAL], tmp_path / "manifest.csv")
    status, _, err = audit(manifest=tmp_path / "manifest.csv")
    assert status == 5
    assert "[one-class-only]" in err


def test_a_missing_masks_folder_is_told(audit, tmp_path):
    status, _, err = audit("--lung-masks", tmp_path / "nowhere")
    assert status == 5
    assert "[masks-not-found]" in err


def test_a_file_that_cannot_be_read_is_named(audit, labelled, tmp_path):
    row = replace(labelled.rows[0], path="train/NORMAL/gone.png")
    write_manifest([*labelled.rows, row], tmp_path / "manifest.csv")
    status, _, err = audit(manifest=tmp_path / "manifest.csv")
    assert status == 5
    assert "[unreadable-picture]" in err
    assert "gone.png" in err


def test_an_unknown_limit_is_told_with_the_nearest(audit, tmp_path):
    (tmp_path / "limits.toml").write_text("[heat]\ninside-lung = { at_least = 0.8 }\n")
    status, _, err = audit("--limits", tmp_path / "limits.toml")
    assert status == 2
    assert "Did you mean heat.inside-lungs?" in err


def test_cues_are_not_judged_on_the_rows_that_they_are_fitted_on(audit, lax, tmp_path):
    audit("--limits", lax, "--output", tmp_path, split="train")
    rows = {row["row"]: row for row in json.loads((tmp_path / "audit.json").read_text("utf-8"))["rows"]}
    assert "fitted on" in rows["baselines.thumbnail"]["why_not"]
    assert rows["appearance.mirrored"]["value"] is not None
