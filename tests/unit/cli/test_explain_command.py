"""`pneumoscope explain` and `pneumoscope index` as a person runs them."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pneumoscope.bundle.bundle import open_bundle, write_bundle
from pneumoscope.dataset.manifest import Label, ManifestRow, Split, write_manifest


@pytest.fixture
def radiograph(example_radiographs):
    return next(path for path in example_radiographs if path.name.startswith("person1178"))


def size_of(path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def explained(run, *arguments):
    status, out, err = run("explain", *arguments, "--json")
    assert status == 0, err
    return json.loads(out)


def test_the_parts_add_up_to_the_logit_in_numbers_and_in_words(run, radiograph):
    found = explained(run, radiograph)
    evidence, by_place = found["evidence"], found["prediction"]["lungs"]["evidence_logit"]
    assert sum(evidence.values()) == pytest.approx(found["answer"], abs=1e-3)
    assert sum(by_place.values()) == pytest.approx(found["answer"], abs=1e-3)
    assert np.sum(found["explanation"]["map"]) + evidence["bias"] == pytest.approx(found["answer"], abs=1e-3)
    status, out, _ = run("explain", radiograph)
    assert status == 0
    speaks_for, speaks_against = (round(evidence[name], 2) + 0.0 for name in ("speaks_for", "speaks_against"))
    assert f"Evidence for {speaks_for:+.2f}, against {speaks_against:+.2f}" in out
    assert f"Right lung {by_place['right_lung']:+.2f}, left lung {by_place['left_lung']:+.2f}" in out


def test_what_equals_grad_cam_says_so(run, radiograph):
    found = explained(run, radiograph, "--method", "hirescam")
    assert found["explanation"]["equals"] == "grad-cam"
    assert found["explanation"]["map"] == explained(run, radiograph)["explanation"]["map"]
    assert explained(run, radiograph, "--method", "layercam")["explanation"]["equals"] is None


@pytest.mark.parametrize("style", ["overlay", "side-by-side", "contours", "heat-map"])
def test_every_style_is_drawn_beside_its_json(run, radiograph, tmp_path, style):
    found = explained(run, radiograph, "--style", style, "--output", tmp_path)
    picture = tmp_path / f"{radiograph.name}.grad-cam.{style}.png"
    assert found["picture"] == picture.name
    assert min(size_of(picture)) > 400
    assert json.loads(picture.with_suffix(".json").read_text()) == found
    assert (found["rendering"]["levels"] is None) == (style != "contours")


def test_the_scale_is_that_of_the_card_whatever_the_picture(run, example_radiographs, shipped_bundle):
    for path in (example_radiographs[0], example_radiographs[-1]):
        assert explained(run, path)["rendering"]["scale"] == shipped_bundle.card.saliency.scale_logit


def test_the_original_size_is_drawn_when_asked_for(run, radiograph, tmp_path):
    for extra in ((), ("--original-size",)):
        explained(run, radiograph, "--style", "overlay", "--output", tmp_path / str(len(extra)), *extra)
    limited, own = (size_of(next((tmp_path / name).glob("*.png"))) for name in ("0", "1"))
    assert own[0] > size_of(radiograph)[0] > 1024
    assert own[0] > limited[0]


def test_a_budget_stops_rise_early_and_says_so(run, radiograph):
    status, out, err = run("explain", radiograph, "--method", "rise", "--budget-seconds", "0.001")
    assert status == 0, err
    assert "16 of 2000 masks, the time ran out" in out


def test_any_onnx_classifier_is_explained_by_covering(run, radiograph, shipped_bundle):
    model = shipped_bundle.folder / "model.onnx"
    found = explained(run, radiograph, "--onnx", model, "--input-size", "224", "--budget-seconds", "0.001")
    assert found["explanation"]["method"] == "occlusion"
    assert found["model"] == {
        "name": "model.onnx",
        "sha256": hashlib.sha256(shipped_bundle.model).hexdigest(),
        "output_index": 0,
        "input_size": 224,
        "mean": 0.0,
        "std": 1.0,
    }
    assert (found["prediction"], found["evidence"], found["rendering"]["scale"]) == (None, None, 1.0)
    assert found["answer"] == pytest.approx(explained(run, radiograph)["answer"], abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("--onnx", "model.onnx"), 2, "onnx-options"),
        (("--onnx", "model.onnx", "--input-size", "224", "--similar", "2"), 2, "onnx-options"),
        (("--onnx", "model.onnx", "--input-size", "224", "--std", "0"), 2, "onnx-options"),
        (("--onnx", "missing.onnx", "--input-size", "224", "--std", "nan"), 2, "onnx-options"),
        (("--onnx", "missing.onnx", "--input-size", "224", "--mean", "inf"), 2, "onnx-options"),
        (("--onnx", "model.onnx", "--input-size", "224", "--operating-point", "balanced"), 2, "onnx-options"),
        (("--onnx", "missing.onnx", "--input-size", "224"), 4, "onnx-foreign"),
        (("--input-size", "224"), 2, "onnx-options"),
        (("--output-index", "0"), 2, "onnx-options"),
        (("--mean", "0"), 2, "onnx-options"),
        (("--std", "1"), 2, "onnx-options"),
        (("--levels", "0.2,0.4"), 2, "levels-impossible"),
        (("--levels", "0.2,x", "--style", "contours"), 2, "levels-impossible"),
        (("--levels", "7", "--style", "contours"), 2, "levels-impossible"),
        (("--method", "rise", "--budget-seconds", "-1"), 2, "budget-impossible"),
        (("--colormap", "no-such"), 2, "colormap-unknown"),
    ],
)
def test_what_cannot_be_says_why(run, radiograph, arguments, status, code):
    found, _, err = run("explain", radiograph, *arguments)
    assert found == status
    assert f"[{code}]" in err


def test_another_classifier_is_named_in_words_and_on_the_sheet(run, radiograph, shipped_bundle, tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(
        "pneumoscope.inference.explain.draw_sheet",
        lambda gray, saliency_map, coloring, caption, **rest: titles.append(caption.title) or Image.fromarray(gray),
    )
    onnx = ("--onnx", shipped_bundle.folder / "model.onnx", "--input-size", "224", "--budget-seconds", "0.001")
    status, out, err = run("explain", radiograph, *onnx, "--output", tmp_path)
    assert status == 0, err
    assert titles[0].startswith("Answer ")
    assert titles[0].endswith(" of model.onnx")
    assert f"answer {titles[0].removeprefix('Answer ')}\n" in out


@pytest.mark.parametrize("command", ["explain", "train-lungs"])
def test_a_seed_below_0_is_a_usage_error(run, radiograph, command):
    status, _, err = run(command, "--seed", "-1", *([radiograph] if command == "explain" else []))
    assert status == 2
    assert "Invalid value for '--seed'" in err


def test_under_another_method_sums_and_trust_are_said_to_be_of_the_graphs_map(run, radiograph):
    told = {
        method: run("explain", radiograph, "--method", method)[1] for method in ("grad-cam", "hirescam", "occlusion")
    }
    assert told["grad-cam"].count("In the graph's map: ") == told["hirescam"].count("In the graph's map: ") == 0
    assert "  The map: " in told["grad-cam"]
    assert "  The map: " in told["hirescam"]
    assert told["occlusion"].count("In the graph's map: ") == 2
    assert "  The map in the graph: " in told["occlusion"]
    assert "  The map: " not in told["occlusion"]


def test_a_picture_without_lungs_is_refused(run, tmp_path, generator):
    noise = generator.integers(0, 255, (300, 300), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    status, _, err = run("explain", tmp_path / "noise.png")
    assert status == 3
    assert "[no-lungs]" in err


@pytest.fixture
def indexed(run, tmp_path, example_radiographs, shipped_bundle):
    """A bundle whose index holds eight of the radiographs that ship, with thumbnails, measured on four others."""
    card = replace(shipped_bundle.card, cases=None)
    folder = write_bundle(tmp_path / "bundle", card, shipped_bundle.model, shipped_bundle.lungs).folder
    data = example_radiographs[0].parents[1]
    chosen = [*example_radiographs[:6], *example_radiographs[-6:]]
    rows = [
        ManifestRow(
            path=path.relative_to(data).as_posix(),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            label=Label(path.parent.name),
            subtype="",
            patient=path.stem,
            split=(Split.VALIDATION, Split.TRAIN, Split.TRAIN)[place % 3] if place else Split.TEST,
            width_px=1,
            height_px=1,
            mode="L",
        )
        for place, path in enumerate(chosen)
    ]
    write_manifest(rows, tmp_path / "manifest.csv")
    status, out, err = run(
        *("index", "--bundle", folder, "--data", data, "--manifest", tmp_path / "manifest.csv"),
        *("--report", tmp_path / "similar.json", "--thumbnails"),
    )
    assert status == 0, err
    return folder, rows, out


def test_an_index_holds_train_rows_only_and_leaves_the_model_as_it_is(indexed, tmp_path, shipped_bundle):
    folder, rows, out = indexed
    bundle = open_bundle(folder)
    assert bundle.model == shipped_bundle.model
    assert bundle.card.cases.count == sum(row.split is Split.TRAIN for row in rows) == 8
    assert "8 cases" in out
    report = json.loads((tmp_path / "similar.json").read_text())
    assert report["validation"]["radiographs"] == sum(row.split is Split.VALIDATION for row in rows)
    assert report["validation"] == bundle.card.cases.metrics
    assert report["thumbnail_bytes"] > 8 * 100


def test_similar_cases_are_of_the_index_without_the_picture_itself(run, indexed, example_radiographs):
    folder, rows, _ = indexed
    train = {row.path: row for row in rows if row.split is Split.TRAIN}
    asked = next(path for path in example_radiographs if any(name.endswith(path.name) for name in train))
    cases = explained(run, asked, "--bundle", folder, "--similar", "7")["similar"]
    assert {case["case_id"] for case in cases} == {name for name in train if not name.endswith(asked.name)}
    assert [case["distance"] for case in cases] == sorted(case["distance"] for case in cases)
    assert all(case["label"] == train[case["case_id"]].label for case in cases)
    assert cases[0]["label"] == asked.parent.name


def test_thumbnails_are_drawn_below_the_sheet_with_whose_they_are(run, indexed, radiograph, tmp_path):
    folder, _, _ = indexed
    heights = {}
    for name, extra in (("without", ()), ("with", ("--similar", "4"))):
        status, out, err = run("explain", radiograph, "--bundle", folder, "--output", tmp_path / name, *extra)
        assert status == 0, err
        heights[name] = size_of(next((tmp_path / name).glob("*.png")))[1]
    assert "Kermany D, Zhang K, Goldbaum M" in out
    assert "CC BY 4.0" in out
    assert heights["with"] > heights["without"] + 150


def test_thumbnails_of_data_without_a_licence_are_refused(run, indexed, tmp_path, example_radiographs):
    folder, _, _ = indexed
    bundle = open_bundle(folder)
    bare = write_bundle(tmp_path / "bare", replace(bundle.card, provenance={}), bundle.model)
    settings = ("--bundle", bare.folder, "--data", example_radiographs[0].parents[1])
    status, _, err = run("index", *settings, "--manifest", tmp_path / "manifest.csv", "--thumbnails")
    assert status == 2
    assert "[licence-missing]" in err


def test_a_bundle_without_an_index_says_how_to_make_one(run, radiograph, tmp_path, shipped_bundle):
    card = replace(shipped_bundle.card, cases=None)
    folder = write_bundle(tmp_path / "bundle", card, shipped_bundle.model, shipped_bundle.lungs).folder
    status, _, err = run("explain", radiograph, "--bundle", folder, "--similar", "3")
    assert status == 2
    assert "[cases-missing]" in err
    assert "pneumoscope index" in err
