"""`pneumoscope evaluate` as a person runs it: radiographs scored here, or any model's scores."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.bundle.bundle import open_bundle, write_bundle
from pneumoscope.dataset.manifest import read_kermany, write_manifest
from pneumoscope.errors import MissingExtra
from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.evaluation.read_columns import read_score_columns
from pneumoscope.evaluation.zones import ConformalZones
from support.labelled_folders import write_kermany


@pytest.fixture(autouse=True)
def reports(monkeypatch):
    """What the report was asked to draw, which takes seconds."""
    asked = []
    monkeypatch.setattr(
        "pneumoscope.report.evaluation_report.write_evaluation_report",
        lambda folder, document, columns, *, bundle, data: asked.append((folder, document, columns, bundle, data)),
    )
    return asked


@pytest.fixture
def data(tmp_path, generator):
    return write_kermany(tmp_path / "films", generator, patients=6)


@pytest.fixture
def bundle(tmp_path, shipped_bundle):
    return write_bundle(tmp_path / "bundle", shipped_bundle.card, shipped_bundle.model).folder


@pytest.fixture
def evaluate(run, tmp_path):
    def evaluate(*arguments, output=tmp_path / "out"):
        status, out, err = run("evaluate", "--output", output, "--resamples", 100, *arguments)
        document = json.loads((output / "evaluation.json").read_text()) if status == 0 else None
        return status, out, err, document

    return evaluate


@pytest.fixture
def scores(tmp_path):
    """Another model's scores of 80 radiographs; the first three columns are all that it knows, and the site."""
    generator = np.random.default_rng(5)
    rows = [
        f"{number}.png,{number % 2},{np.clip(0.3 * (number % 2) + 0.7 * generator.random(), 0, 1):.4f},"
        f"{'east' if number % 5 else 'west'}"
        for number in range(80)
    ]
    path = tmp_path / "theirs.csv"
    path.write_text("\n".join(["id,label,score,site", *rows]) + "\n")
    return path


def test_the_document_says_what_was_evaluated(evaluate, data, tmp_path, shipped_bundle, reports):
    status, out, err, document = evaluate("--data", data, "--prevalence", 0.05)
    assert status == 0, err
    assert (document["split"], document["radiographs"], document["patients"]) == ("test", 12, 12)
    assert document["bundle"]["version"] == shipped_bundle.card.version
    assert document["data"]["folder"] == "films"
    openings = len(shipped_bundle.card.provenance["test_openings"])
    assert document["test_openings"] == {"recorded": openings, "this_one": False}
    assert document["bundle"]["sha256"] == shipped_bundle.sha256
    assert document["options"]["prevalence"] == 0.05
    assert str(tmp_path) not in json.dumps(document)
    assert "this opens the test split (12 radiographs)" in err
    assert "12 radiographs of 12 patients, 95 % intervals by patient" in out
    ((folder, told, columns, bundle, where),) = reports
    assert (folder, told, len(columns), where) == (tmp_path / "out", document, 12, data)
    assert bundle.card == shipped_bundle.card


def test_a_manifest_is_told_by_its_checksum(evaluate, data, tmp_path):
    write_manifest(read_kermany(data), tmp_path / "manifest.csv")
    _, _, _, document = evaluate("--data", data, "--manifest", tmp_path / "manifest.csv", "--split", "train")
    assert len(document["data"]["manifest_sha256"]) == 64
    assert document["split"] == "train"
    assert "test_openings" not in document


def test_original_sizes_make_the_subgroups(evaluate, data, tmp_path):
    rows = read_kermany(data)
    lines = [f"{row.path.replace('/', ',')},{2000 + 10 * number},{1500 - number}" for number, row in enumerate(rows)]
    (tmp_path / "sizes.csv").write_text(
        "\n".join(["split,label,file,original_width_px,original_height_px", *lines]) + "\n"
    )
    _, _, _, document = evaluate("--data", data, "--sizes", tmp_path / "sizes.csv")
    wanted = ["subtype", "original_width_px", "original_height_px", "aspect_ratio", "sharpness"]
    assert list(document["subgroups"]) == wanted
    assert [group["name"] for group in document["subgroups"]["subtype"]] == ["normal", "bacterial", "viral"]
    assert len(document["subgroups"]["sharpness"]) == 4


def test_any_column_of_a_manifest_makes_subgroups(evaluate, data, tmp_path):
    write_manifest(read_kermany(data), tmp_path / "manifest.csv")
    first, *lines = (tmp_path / "manifest.csv").read_text().splitlines()
    sites = ["east" if number % 2 else "west" for number in range(len(lines))]
    cells = [f"{line},{site},{number}" for number, (line, site) in enumerate(zip(lines, sites, strict=True))]
    (tmp_path / "manifest.csv").write_text("\n".join([f"{first},Site,Logit", *cells]) + "\n")
    arguments = ("--data", data, "--manifest", tmp_path / "manifest.csv", "--subgroup", "Site")
    status, _, err, document = evaluate(*arguments, "--subgroup", "manifest_logit")
    assert status == 0, err
    assert [group["name"] for group in document["subgroups"]["site"]] == ["east", "west"]
    assert document["subgroups"]["manifest_logit"]
    status, _, err, document = evaluate(*arguments, "--resume")
    assert status == 0, err
    assert "12 of 12 radiographs are scored already" in err


def test_a_file_that_is_not_what_the_manifest_says_is_not_scored(evaluate, data, tmp_path):
    write_manifest(read_kermany(data), tmp_path / "manifest.csv")
    first, second, *_ = sorted((data / "test" / "PNEUMONIA").iterdir())
    second.write_bytes(first.read_bytes())
    status, _, err, _ = evaluate("--data", data, "--manifest", tmp_path / "manifest.csv")
    assert status == 5
    assert "[rows-unreadable]" in err
    assert f"{second.name}: Its SHA-256 is" in err
    listed = (tmp_path / "out" / "scores.unreadable.csv").read_text()
    assert "radiograph-changed" in listed
    assert first.name not in listed


def test_the_list_of_radiographs_has_a_checksum_with_a_manifest_and_without(evaluate, data, tmp_path):
    write_manifest(read_kermany(data), tmp_path / "manifest.csv")
    _, _, _, without = evaluate("--data", data, output=tmp_path / "one")
    _, _, _, given = evaluate("--data", data, "--manifest", tmp_path / "manifest.csv", output=tmp_path / "two")
    rows = sorted((row.path, row.sha256) for row in read_kermany(data) if row.split == "test")
    lines = "".join(f"{sha256}  {path}\n" for path, sha256 in rows)
    for document in (without, given):
        assert document["data"]["radiographs_sha256"] == hashlib.sha256(lines.encode()).hexdigest()


def test_the_part_that_chose_the_thresholds_is_said_to_prove_nothing(evaluate, data, shipped_bundle, tmp_path):
    card = shipped_bundle.card
    own = replace(
        card,
        operating_points=tuple(replace(point, chosen_on="validation") for point in card.operating_points),
        zones=replace(card.zones, chosen_on="validation"),
    )
    write_bundle(tmp_path / "own", own, shipped_bundle.model)
    _, out, _, document = evaluate("--data", data / "test", "--split", "validation", "--bundle", tmp_path / "own")
    assert document["chosen_here"] == ["calibration", "operating points", "zones"]
    assert out.startswith("These radiographs chose the calibration, operating points and zones of this model")
    _, out, _, document = evaluate("--data", data, output=data.parent / "test")
    assert document["chosen_here"] == []
    assert "These radiographs chose" not in out


def test_one_class_names_the_file_the_split_and_the_counts(evaluate, data, tmp_path):
    rows = [row for row in read_kermany(data) if row.split != "test" or row.label == "NORMAL"]
    write_manifest(rows, tmp_path / "normal.csv")
    status, _, err, _ = evaluate("--data", data, "--manifest", tmp_path / "normal.csv")
    assert status == 5
    assert "normal.csv: the 6 radiographs of the split test are 0 PNEUMONIA and 6 NORMAL." in err


def test_a_subgroup_that_is_not_there_is_not_answered_with_names_of_single_radiographs(evaluate, data):
    status, _, err, _ = evaluate("--data", data, "--subgroup", "nope")
    assert status == 2
    assert "Choose from subtype" in err
    assert "sha256" not in err


def test_fewer_than_a_hundred_resamples_tell_no_interval(run, scores, tmp_path):
    status, _, err = run("evaluate", "--scores", scores, "--output", tmp_path / "out", "--resamples", 99)
    assert status == 2
    assert "99 is not in the range x>=100" in err


def test_missing_files_are_listed_the_rest_is_kept_and_resume_ends_it(evaluate, data, tmp_path):
    write_manifest(read_kermany(data), tmp_path / "manifest.csv")
    gone = next((data / "test" / "PNEUMONIA").iterdir())
    content = gone.read_bytes()
    gone.unlink()
    arguments = ("--data", data, "--manifest", tmp_path / "manifest.csv")
    status, _, err, _ = evaluate(*arguments)
    assert status == 5
    assert "1 of 12 radiographs could not be scored" in err
    assert "[rows-unreadable]" in err
    assert gone.name in err
    assert len((tmp_path / "out" / "scores.partial.csv").read_text().splitlines()) == 12
    assert not (tmp_path / "out" / "evaluation.json").exists()
    gone.write_bytes(content)
    status, _, err, document = evaluate(*arguments, "--resume")
    assert status == 0
    assert "11 of 12" in err
    assert document["radiographs"] == 12


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace("PNEUMONIA,viral", "FLU,viral"), "manifest-row"),
        (lambda text: text + text.splitlines()[-1] + "\n", "row-twice"),
        (lambda text: "\n".join(line for line in text.splitlines() if "NORMAL" not in line), "one-class-only"),
        (lambda text: text.replace(",test,", ",validation,"), "split-empty"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused_before_anything_is_scored(evaluate, data, tmp_path, change, code):
    write_manifest(read_kermany(data), tmp_path / "manifest.csv")
    (tmp_path / "manifest.csv").write_text(change((tmp_path / "manifest.csv").read_text()))
    status, _, err, _ = evaluate("--data", data, "--manifest", tmp_path / "manifest.csv")
    assert status == 5
    assert f"[{code}]" in err
    assert not list((tmp_path / "out").glob("scores*"))


def test_radiographs_without_labels_cannot_be_evaluated(evaluate, data, tmp_path, generator):
    status, _, err, _ = evaluate("--data", data / "test" / "NORMAL")
    assert status == 5
    assert "[labels-missing]" in err


def test_class_folders_without_splits_are_evaluated_as_they_are_or_as_what_they_are_called(evaluate, data):
    assert evaluate("--data", data / "test")[3]["split"] is None
    _, _, err, document = evaluate("--data", data / "test", "--split", "validation")
    assert (document["split"], document["radiographs"]) == ("validation", 12)
    assert "test split" not in err


def test_into_card_writes_the_short_form_and_counts_the_opening(evaluate, data, bundle):
    before = open_bundle(bundle)
    _, _, _, document = evaluate("--data", data, "--bundle", bundle, "--into-card")
    after = open_bundle(bundle)
    openings = after.card.provenance["test_openings"]
    assert len(openings) == len(before.card.provenance["test_openings"]) + 1
    assert openings[-1] == {"opened": document["made"], "radiographs": 12}
    assert document["test_openings"] == {"recorded": len(openings), "this_one": True}
    short = after.card.metrics["test"]
    assert short["metrics"] == {name: document["metrics"][name] for name in short["metrics"]}
    assert "subgroups" not in short
    assert after.model == before.model
    assert after.card.metrics["validation"] == before.card.metrics["validation"]


def test_scores_of_any_model_need_no_bundle(evaluate, scores, tmp_path, reports):
    status, out, err, document = evaluate("--scores", scores)
    assert status == 0, err
    assert document["bundle"] is None
    assert document["split"] is None
    assert document["zones"] is None
    assert document["subgroups"] == {}
    assert list(document["operating_points"]) == ["half"]
    assert document["operating_points"]["half"]["promised"]["sensitivity"] is None
    assert "promised" not in out
    assert "80 radiographs (patients unknown), 95 % intervals by radiograph" in out
    assert document["data"]["radiographs_sha256"] is None
    kept, theirs = read_score_columns(tmp_path / "out" / "scores.csv"), read_score_columns(scores)
    assert kept.probabilities.tolist() == theirs.probabilities.tolist()
    assert reports[0][3:] == (None, None)


def test_thresholds_and_subgroups_of_ones_own(evaluate, scores):
    _, _, _, document = evaluate(
        "--scores", scores, "--threshold", "low=0.2", "--threshold", "high=0.8", "--subgroup", "site"
    )
    assert {name: point["threshold"] for name, point in document["operating_points"].items()} == {
        "low": 0.2,
        "high": 0.8,
    }
    assert [group["name"] for group in document["subgroups"]["site"]] == ["east", "west"]


def test_the_cards_operating_points_and_zones_are_measured_on_scores(evaluate, run, data, bundle, tmp_path):
    shipped = open_bundle(bundle)
    zones = ConformalZones(0.1, 0.3, 0.7, 9, 9, 9, 9, "validation")
    calibration = PlattCalibration(0.5, 0.1)
    write_bundle(bundle, replace(shipped.card, calibration=calibration, zones=zones), shipped.model)
    run("score", "--data", data, "--split", "test", "--output", tmp_path / "test.csv")  # by the shipped calibration
    _, _, _, document = evaluate("--scores", tmp_path / "test.csv", "--bundle", bundle)
    card = open_bundle(bundle).card
    assert document["split"] == "test"
    assert document["zones"]["frozen"] == card.zones.to_dict()
    assert list(document["operating_points"]) == [point.name for point in card.operating_points]
    kept = read_score_columns(tmp_path / "out" / "scores.csv")
    assert kept.probabilities.tolist() == [card.calibration.probability(logit) for logit in kept.logits.tolist()]
    origin = json.loads((tmp_path / "out" / "scores.origin.json").read_text())
    assert origin["slope"] == card.calibration.slope


def test_into_card_needs_scores_of_a_known_bundle(evaluate, scores, bundle):
    status, _, err, _ = evaluate("--scores", scores, "--bundle", bundle, "--split", "test", "--into-card")
    assert status == 2
    assert "[card-unknown]" in err


def test_scores_that_are_evaluated_where_they_lie_are_left_alone(evaluate, scores, tmp_path):
    place = tmp_path / "out" / "scores.csv"
    place.parent.mkdir()
    place.write_bytes(scores.read_bytes())
    assert evaluate("--scores", place)[0] == 0
    assert place.read_bytes() == scores.read_bytes()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace("3.png,1,0", "3.png,1,nan #"), "score-impossible"),
        (lambda text: text.replace("\n3.png", "\n1.png"), "row-twice"),
        (lambda text: text.replace("label", "truth"), "scores-columns"),
        (lambda text: text.splitlines()[0] + "\n", "scores-empty"),
        (lambda text: text.replace("\n3.png,1", "\n3.png,flu"), "scores-row"),
    ],
)
def test_scores_that_cannot_be_name_file_and_line(evaluate, scores, change, code):
    scores.write_text(change(scores.read_text()))
    status, _, err, _ = evaluate("--scores", scores)
    assert status == 5
    assert f"[{code}]" in err
    assert "theirs.csv" in err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "source-missing"),
        (("--scores", "{scores}", "--data", "."), "two-sources"),
        (("--scores", "{scores}", "--resume"), "option-without-data"),
        (("--scores", "{scores}", "--prevalence", "5"), "prevalence-impossible"),
        (("--scores", "{scores}", "--subgroup", "age"), "subgroup-unknown"),
        (("--scores", "{scores}", "--threshold", "half"), "threshold-impossible"),
    ],
)
def test_options_that_cannot_be_are_refused(evaluate, scores, arguments, code):
    status, _, err, _ = evaluate(*(argument.replace("{scores}", str(scores)) for argument in arguments))
    assert status == 2
    assert f"[{code}]" in err


def test_without_the_library_that_draws_the_numbers_stand(evaluate, scores, monkeypatch):
    def missing(*_, **__):
        raise MissingExtra("figures-extra-missing", "Figures need Matplotlib.", remedy="pip install it")

    monkeypatch.setattr("pneumoscope.report.evaluation_report.write_evaluation_report", missing)
    status, _, err, document = evaluate("--scores", scores)
    assert status == 0
    assert document["radiographs"] == 80
    assert "no report was written: Figures need Matplotlib." in err
