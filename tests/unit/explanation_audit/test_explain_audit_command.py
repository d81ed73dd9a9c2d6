"""`pneumoscope explain-audit` from files to verdicts, with a network that has learnt planted opacities."""

import json
from dataclasses import replace

import pytest

from pneumoscope.bundle.bundle import open_bundle, write_bundle
from pneumoscope.dataset.manifest import Label, Split, write_manifest
from pneumoscope.explanation_audit import agreement, observation
from pneumoscope.explanation_audit import audit as audit_module
from pneumoscope.explanation_audit.question import ROWS, SECTIONS
from support.lung_graphs import with_dark_lungs

LAX = "[lungs]\nenergy = { at_least = 0.3 }\n[against]\ncorrelation = { at_least = 0.98 }\n"


@pytest.fixture(autouse=True)
def few_masks(monkeypatch):
    monkeypatch.setattr(agreement, "RISE_MASKS", 50)


@pytest.fixture
def lax(tmp_path):
    path = tmp_path / "lax.toml"
    path.write_text(LAX)
    return path


@pytest.fixture
def audit(run, bundle, planted_folder):
    def audit(*arguments, bundle=bundle.folder):
        where = ("--data", planted_folder.data, "--manifest", planted_folder.manifest)
        return run("explain-audit", "--bundle", bundle, *where, "--resamples", 100, *arguments)

    return audit


def rows_in(folder):
    return {row["row"]: row for row in json.loads((folder / "explanation.json").read_text("utf-8"))["rows"]}


def test_every_row_is_judged_and_written(audit, bundle, planted_folder, lax, tmp_path):
    given = ("--lung-masks", planted_folder.masks, "--boxes", planted_folder.boxes, "--against", bundle.folder)
    status, out, err = audit(*given, "--limits", lax, "--output", tmp_path)
    assert status == 0, err
    rows = rows_in(tmp_path)
    assert tuple(rows) == ROWS
    assert not [name for name, row in rows.items() if row["verdict"] == "not measured"]
    assert rows["adds-up.largest-difference"]["value"] < 1e-4
    assert rows["lungs.energy"]["verdict"] == "pass"
    assert rows["lungs.energy-less-random"]["low"] > 0
    assert rows["against.correlation"]["value"] == pytest.approx(1)
    assert rows["against.hottest-cell"]["value"] == 1
    assert rows["boxes.pointing"]["value"] > rows["boxes.pointing"]["also"]["a random map"]["value"]
    assert rows["deletion.lung-mean-random"]["value"] > 0
    assert rows["stability.jpeg-90"]["value"] > 0.9
    written = json.loads((tmp_path / "explanation.json").read_text("utf-8"))
    assert (written["radiographs"], written["with_finding"], written["lung_masks"]["usual_map_of"]) == (12, 6, 2)
    assert written["lung_masks"]["source"] == "given, folder masks"
    assert (len(written["boxes"]), written["boxes_of_no_radiograph"]) == (6, 0)
    text = (tmp_path / "explanation.md").read_text("utf-8")
    assert all(f"(`{name}`)" in text for name in ROWS)
    assert all(title in out and title in text for title in SECTIONS.values())


def test_the_same_seed_gives_the_same_audit(audit, lax, tmp_path):
    written = []
    for name in ("one", "other"):
        audit("--limit", 4, "--limits", lax, "--output", tmp_path / name)
        content = json.loads((tmp_path / name / "explanation.json").read_text("utf-8"))
        written.append({**content, "made": "", "seconds": 0})
    assert written[0] == written[1]
    assert (written[0]["radiographs"], written[0]["with_finding"]) == (4, 2)


def test_a_row_that_fails_ends_with_its_own_exit_status_after_everything_is_written(audit, tmp_path):
    limits = tmp_path / "strict.toml"
    limits.write_text("[stability]\nnoise = { at_least = 2.0 }\n")
    status, out, err = audit("--limit", 4, "--limits", limits, "--output", tmp_path)
    assert status == 10
    assert "stability.noise" in err
    assert "the-explanation-audit.md" in err
    assert "FAIL" in out
    assert rows_in(tmp_path)["stability.noise"]["verdict"] == "fail"


def test_what_cannot_be_measured_says_why_and_does_not_fail(audit, lax, tmp_path):
    status, _, _ = audit("--limit", 4, "--limits", lax, "--output", tmp_path)
    assert status == 0
    why = {name: row["why_not"] for name, row in rows_in(tmp_path).items() if row["verdict"] == "not measured"}
    assert why["lungs.energy"] == "no lung masks, and no lung segmentation in the bundle"
    assert why["deletion.lung-mean-random"] == why["planted.hit"] == why["lungs.energy"]
    assert why["boxes.iou"] == "no boxes (--boxes)"
    assert why["against.correlation"] == "no other bundle to compare with (--against)"
    assert not any(name.startswith(("adds-up", "stability", "agreement", "sanity")) for name in why)


def test_without_onnx_the_shuffled_weights_are_not_measured(audit, lax, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    status, _, _ = audit("--limit", 4, "--limits", lax, "--output", tmp_path)
    assert status == 0
    assert "pip install '.[explain]' in a copy of the repository" in rows_in(tmp_path)["sanity.head"]["why_not"]


def test_without_masks_the_bundle_finds_the_lungs_and_it_is_said(audit, bundle, lax, tmp_path):
    found = with_dark_lungs(bundle)
    own = write_bundle(tmp_path / "bundle", found.card, found.model, found.lungs)
    audit("--limit", 4, "--limits", lax, "--output", tmp_path, bundle=own.folder)
    assert rows_in(tmp_path)["lungs.energy"]["value"] is not None
    assert "lung masks: estimated by the bundle's lung segmentation, of 4 radiographs" in (
        tmp_path / "explanation.md"
    ).read_text("utf-8")


def test_an_unknown_limit_is_told_with_the_nearest(audit, tmp_path):
    (tmp_path / "limits.toml").write_text("[lungs]\nenergie = { at_least = 0.6 }\n")
    status, _, err = audit("--limits", tmp_path / "limits.toml")
    assert status == 2
    assert "Did you mean lungs.energy?" in err


def test_only_the_sections_that_are_asked_for_are_measured(audit, bundle, lax, tmp_path, monkeypatch):
    for module, name in ((observation, "faithfulness"), (observation, "agreement"), (audit_module, "shuffled_maps")):
        monkeypatch.setattr(module, name, None)  # not to be called
    settings = ("--only", "against", "--only", "stability", "--against", bundle.folder)
    status, _, err = audit(*settings, "--limit", 4, "--limits", lax, "--output", tmp_path)
    assert status == 0, err
    rows = rows_in(tmp_path)
    measured = {name.partition(".")[0] for name, row in rows.items() if row["verdict"] != "not measured"}
    assert measured == {"adds-up", "against", "stability"}  # the first comes with every pass
    others = [row["why_not"] for name, row in rows.items() if name.partition(".")[0] not in measured]
    assert set(others) == {"not asked for (--only)"}


def test_the_opening_of_the_test_split_is_said_recorded_and_counted_where_asked_for(
    audit, bundle, planted_folder, lax, tmp_path
):
    rows = [replace(row, split=Split.TEST) if row.split is Split.VALIDATION else row for row in planted_folder.rows]
    write_manifest(rows, tmp_path / "manifest.csv")
    card = replace(bundle.card, provenance={"test_openings": []})
    own = write_bundle(tmp_path / "bundle", card, bundle.model)
    settings = ("--manifest", tmp_path / "manifest.csv", "--split", "test", "--limit", 4, "--limits", lax)
    _, _, err = audit(*settings, "--output", tmp_path, bundle=own.folder)
    assert "opens the test split (4 radiographs)" in err
    opening = json.loads((tmp_path / "explanation.json").read_text("utf-8"))["test_opening"]
    assert (opening["radiographs"], opening["recorded_in_card"]) == (4, 0)
    assert "this run opened the test split" in (tmp_path / "explanation.md").read_text("utf-8")
    assert open_bundle(own.folder).card.provenance["test_openings"] == []
    audit(*settings, "--into-card", bundle=own.folder)
    recorded = open_bundle(own.folder).card.provenance["test_openings"]
    assert [(entry["radiographs"], entry["by"]) for entry in recorded] == [(4, "explain-audit")]


def test_too_few_resamples_for_an_interval_are_refused(audit):
    status, _, err = audit("--resamples", 99)
    assert status == 2
    assert "99 is not in the range x>=100" in err


@pytest.mark.parametrize("section", ["against", "boxes"])
def test_a_section_alone_without_what_it_is_measured_with_is_refused(audit, section):
    status, _, err = audit("--only", section)
    assert status == 2
    assert f"--only {section} was given, but not --{section}" in err
    assert "[section-without-input]" in err


def test_boxes_of_no_radiograph_of_the_split_are_refused(audit, tmp_path):
    (tmp_path / "boxes.csv").write_text("path,x,y,width,height\nother/5.png,1,1,2,3\n")
    status, _, err = audit("--only", "boxes", "--boxes", tmp_path / "boxes.csv")
    assert status == 5
    assert "[boxes-unmatched]" in err
    assert "other/5.png" in err


def test_a_folder_without_a_mask_is_told_as_such(audit, lax, tmp_path):
    (tmp_path / "empty").mkdir()
    only = [word for section in ("lungs", "insertion", "planted") for word in ("--only", section)]
    status, _, _ = audit("--limit", 4, *only, "--lung-masks", tmp_path / "empty", "--limits", lax, "--output", tmp_path)
    assert status == 0
    why = {name: row["why_not"] for name, row in rows_in(tmp_path).items()}
    for name in ("lungs.energy", "lungs.pointing-less-centre", "insertion.lung-mean-random", "planted.hit"):
        assert why[name] == "no lung mask for any of these radiographs in empty"
    assert why["insertion.blur-random"] is None


def test_one_class_is_enough_and_rows_that_need_the_other_say_so(audit, planted_folder, lax, tmp_path):
    text = planted_folder.boxes.read_text() + "films/none.png,1,1,2,3,\n"
    (tmp_path / "boxes.csv").write_text(text)
    found = {}
    for label in Label:
        write_manifest([row for row in planted_folder.rows if row.label is label], tmp_path / "manifest.csv")
        where = ("--manifest", tmp_path / "manifest.csv", "--lung-masks", planted_folder.masks, "--limits", lax)
        boxes = ("--boxes", tmp_path / "boxes.csv") if label is Label.PNEUMONIA else ()
        only = [word for section in ("lungs", "planted", "boxes") for word in ("--only", section)][: 4 + len(boxes)]
        status, _, err = audit(*where, *boxes, *only, "--limit", 4, "--output", tmp_path / label)
        assert status == 0, err
        found[label] = rows_in(tmp_path / label)
    positive, normal = found[Label.PNEUMONIA], found[Label.NORMAL]
    assert positive["boxes.pointing"]["radiographs"] == positive["lungs.energy"]["radiographs"] == 4
    assert positive["planted.hit"]["why_not"] == "no radiograph without the finding among those that are audited"
    assert normal["planted.hit"]["radiographs"] == 4
    assert normal["lungs.energy"]["why_not"] == "no radiograph with the finding among those that are audited"
    record = json.loads((tmp_path / Label.PNEUMONIA / "explanation.json").read_text("utf-8"))
    assert record["boxes_of_no_radiograph"] == 1
    assert "no radiograph of the split has their path: 1" in (tmp_path / Label.PNEUMONIA / "explanation.md").read_text(
        "utf-8"
    )


def test_boxes_that_are_not_told_in_numbers_are_refused(audit, tmp_path):
    (tmp_path / "boxes.csv").write_text("path,x,y,width,height\nfilms/5.png,left,1,2,3\n")
    status, _, err = audit("--boxes", tmp_path / "boxes.csv")
    assert status == 5
    assert "[boxes-row]" in err
