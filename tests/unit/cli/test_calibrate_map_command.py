"""`pneumoscope calibrate-map` as a person runs it."""

import hashlib
from dataclasses import replace

import pytest

from pneumoscope.bundle.bundle import open_bundle, write_bundle
from pneumoscope.dataset.manifest import Label, ManifestRow, Split, write_manifest


@pytest.fixture
def copy(tmp_path, shipped_bundle):
    card = replace(shipped_bundle.card, cases=None, map_trust=None)
    return write_bundle(tmp_path / "bundle", card, shipped_bundle.model, shipped_bundle.lungs)


def manifest_of(paths, splits, where):
    data = paths[0].parents[1]
    write_manifest(
        [
            ManifestRow(
                path=path.relative_to(data).as_posix(),
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                label=Label(path.parent.name),
                subtype="",
                patient=path.stem,
                split=split,
                width_px=1,
                height_px=1,
                mode="L",
            )
            for path, split in zip(paths, splits, strict=True)
        ],
        where,
    )
    return data


def test_only_validation_rows_choose_and_only_the_card_changes(run, copy, example_radiographs, tmp_path):
    chosen = example_radiographs[-5:]
    splits = [Split.TEST, Split.TRAIN, *[Split.VALIDATION] * 3]
    data = manifest_of(chosen, splits, tmp_path / "manifest.csv")
    settings = ("--bundle", copy.folder, "--data", data, "--manifest", tmp_path / "manifest.csv")
    status, out, err = run("calibrate-map", *settings)
    assert status == 0, err
    after = open_bundle(copy.folder)
    spec = after.card.map_trust
    assert (spec.provenance["split"], spec.provenance["radiographs"]) == ("validation", 3)
    assert f"less than {spec.least_heat_inside:.0%}" in out
    assert (after.model, after.lungs) == (copy.model, copy.lungs)
    assert replace(after.card, map_trust=None) == copy.card


def test_a_share_that_is_no_number_is_refused_before_the_manifest_is_read(run, copy, tmp_path):
    settings = ("--data", tmp_path, "--manifest", tmp_path / "nowhere.csv", "--flagged-share", "nan")
    status, _, err = run("calibrate-map", "--bundle", copy.folder, *settings)
    assert status == 2
    assert "[flagged-share-impossible]" in err
    assert "Choose a share from 0 to 0.5." in err
    assert open_bundle(copy.folder).card.map_trust is None


def test_a_manifest_without_validation_rows_is_refused(run, copy, example_radiographs, tmp_path):
    data = manifest_of(example_radiographs[:1], [Split.TEST], tmp_path / "manifest.csv")
    status, _, err = run(
        *("calibrate-map", "--bundle", copy.folder, "--data", data, "--manifest", tmp_path / "manifest.csv")
    )
    assert status == 5
    assert "[no-rows]" in err
    assert open_bundle(copy.folder).card.map_trust is None
