"""The model card says what the bundle's files say: it parses, it escapes, and the committed one is up to date."""

import hashlib
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from pneumoscope.cli.card import command
from pneumoscope.errors import UnusableData
from pneumoscope.report.checklists import TO_BE_TOLD, checklist_sections, guidelines
from pneumoscope.report.model_card import model_card

PROJECT = Path(__file__).parents[3]
EVALUATION = "results/efficientnet-lite0-seed0/test/evaluation.json"
HOSTILE = '"evil"\n---\nlicense: none\n<script>alert(1)</script> --> | `x`'
COMMAND = re.compile(r"<!-- (pneumoscope card .*) -->")


@pytest.fixture(scope="module")
def evaluation():
    return json.loads((PROJECT / EVALUATION).read_text("utf-8"))


@pytest.fixture
def card(shipped_bundle, evaluation):
    return model_card(shipped_bundle, evaluation=evaluation, audit=None, command="pneumoscope card")


def front_matter(text):
    assert text.startswith("---\n")
    return yaml.safe_load(text[4:].split("\n---\n")[0])


def test_the_committed_card_is_what_the_command_writes_now(monkeypatch, evaluation):
    text = (PROJECT / "MODEL_CARD.md").read_text("utf-8")
    options = shlex.split(COMMAND.search(text)[1])[2:]
    assert options[options.index("--evaluation") + 1] == EVALUATION
    monkeypatch.chdir(PROJECT)
    shown = CliRunner().invoke(command, without_output(options), catch_exceptions=False)
    assert COMMAND.sub("", shown.output) == COMMAND.sub("", text), f"run: {COMMAND.search(text)[1]}"


def without_output(options):
    place = options.index("--output")
    return options[:place] + options[place + 2 :]


def test_readme_card_and_evaluation_agree(evaluation):
    readme, text = ((PROJECT / name).read_text("utf-8") for name in ("README.md", "MODEL_CARD.md"))
    auroc = evaluation["metrics"]["auroc"]
    assert f"{auroc['value']:.3f} [{auroc['low']:.3f}, {auroc['high']:.3f}]" in readme
    assert f"{auroc['value']:.3f} ({auroc['low']:.3f} to {auroc['high']:.3f})" in text
    for rate in ("accuracy", "sensitivity", "specificity"):
        found = evaluation["operating_points"]["balanced"]["metrics"][rate]
        value, low, high = (f"{100 * found[end]:.1f}" for end in ("value", "low", "high"))
        assert f"{value} % [{low}, {high}]" in readme
        assert f"{value} % ({low} to {high})" in text


def test_the_front_matter_holds_the_results_of_the_evaluation(card, evaluation, shipped_bundle):
    head = front_matter(card)
    assert head["license"] == "mit"
    assert head["datasets"] == ["doi:10.17632/rscbjbr9sj"]
    (model,) = head["model-index"]
    (result,) = model["results"]
    assert (model["name"], result["dataset"]["split"]) == (shipped_bundle.card.name, "test")
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert values["roc_auc"] == round(evaluation["metrics"]["auroc"]["value"], 4)
    default = evaluation["operating_points"][shipped_bundle.card.default_operating_point]
    assert values["recall"] == round(default["metrics"]["sensitivity"]["value"], 4)


def test_a_hostile_name_stays_text(shipped_bundle):
    hostile = replace(shipped_bundle, card=replace(shipped_bundle.card, name=HOSTILE, intended_use=HOSTILE))
    text = model_card(hostile, evaluation=None, audit=None, command=f"pneumoscope card --bundle {HOSTILE}")
    assert front_matter(text)["license"] == "mit"
    assert front_matter(text)["model-index"][0]["name"] == HOSTILE
    body = text.split("\n---\n", 1)[1]
    assert "<script" not in body.split("-->", 1)[1]
    assert body.count("-->") == 1


def test_without_an_evaluation_the_cards_own_test_metrics_are_taken(shipped_bundle):
    text = model_card(shipped_bundle, evaluation=None, audit=None, command="pneumoscope card")
    auroc = shipped_bundle.card.metrics["test"]["metrics"]["auroc"]["value"]
    assert f"| AUROC | {auroc:.3f}" in text


def test_a_bundle_that_was_never_evaluated_says_so(shipped_bundle):
    fresh = replace(shipped_bundle, card=replace(shipped_bundle.card, metrics={}, provenance={}, versions={}))
    text = model_card(fresh, evaluation=None, audit=None, command="pneumoscope card")
    assert "No test split has been measured." in text
    assert "model-index" not in front_matter(text)


def test_an_evaluation_of_another_model_is_refused(shipped_bundle, evaluation):
    other = evaluation | {"bundle": {**evaluation["bundle"], "model_sha256": "0" * 64}}
    with pytest.raises(UnusableData, match="another model") as refusal:
        model_card(shipped_bundle, evaluation=other, audit=None, command="")
    assert refusal.value.code == "card-of-another-model"


@pytest.mark.parametrize("bundle", [None, {}, {"name": "efficientnet-lite0", "model_sha256": None}])
def test_an_evaluation_of_an_unknown_model_is_not_told_as_this_ones(shipped_bundle, evaluation, bundle):
    with pytest.raises(UnusableData, match="does not say which model") as refusal:
        model_card(shipped_bundle, evaluation=evaluation | {"bundle": bundle}, audit=None, command="")
    assert refusal.value.code == "card-of-another-model"


def test_two_parts_of_one_data_set_are_claimed_only_where_it_is_so(shipped_bundle, evaluation):
    claim = "between two parts of one data set"
    points = {
        name: point | {"promised": point["promised"] | {"on": "validation"}}
        for name, point in evaluation["operating_points"].items()
    }
    zones = evaluation["zones"] | {"frozen": evaluation["zones"]["frozen"] | {"chosen_on": "validation"}}
    evaluation = evaluation | {"operating_points": points, "zones": zones}
    del evaluation["chosen_here"]  # the card finds it itself
    texts = {
        name: model_card(shipped_bundle, evaluation=evaluation | changed, audit=None, command="")
        for name, changed in {
            "test": {},
            "validation": {"split": "validation"},
            "elsewhere": {"radiographs": 700},
        }.items()
    }
    assert {name: claim in text for name, text in texts.items()} == {
        "test": True,
        "validation": False,
        "elsewhere": False,
    }
    assert "These radiographs chose the calibration, operating points and zones" in texts["validation"]


def test_failed_rows_of_the_audit_are_told(shipped_bundle, evaluation):
    row = {
        "row": "lungs.black",
        "asked": "the lungs | black",
        "measured": "AUROC left",
        "value": 0.9,
        "low": 0.8,
        "high": 1.0,
    }
    failed = row | {"limit": {"at_least": None, "at_most": 0.75, "whole_interval": False}, "verdict": "fail"}
    audit = {"radiographs": 810, "split": "validation", "summary": {"pass": 1, "fail": 1}}
    audit["bundle"] = evaluation["bundle"]
    audit["rows"] = [failed, row | {"asked": "something that passed", "limit": None, "verdict": "pass"}]
    text = model_card(shipped_bundle, evaluation=evaluation, audit=audit, command="")
    assert r"| the lungs \| black | AUROC left | 0.900 (0.800 to 1.000) | at most 0.75 |" in text
    assert "1 pass and 1 fail" in text
    assert "something that passed" not in text


def test_the_checklists_are_whole():
    _, (claim, tripod) = guidelines()
    assert [item.item for item in claim.items] == [str(number) for number in range(1, 45)]
    assert len(tripod.items) == 52
    assert sorted({int(re.match(r"\d+", item.item)[0]) for item in tripod.items}) == list(range(1, 28))
    assert all(item.where for item in (*claim.items, *tripod.items))


def test_files_that_a_checklist_points_to_are_there():
    _, lists = guidelines()
    named = {
        name for each in lists for item in each.items for name in re.findall(r"[\w/.-]+\.(?:md|txt|py)\b", item.where)
    }
    assert len(named) > 5
    missing = {name for name in named if name != "report.md" and not (PROJECT / name).is_file()}
    assert not missing


def statuses(sections):
    return [{row[0]: row[2] for row in section.tables[0].rows} for section in sections]


def test_what_is_about_other_data_is_left_open(shipped_bundle):
    of_model = hashlib.sha256(shipped_bundle.model).hexdigest()
    ours, theirs = (
        checklist_sections({"identifier": name}, (), model_sha256=of_model)
        for name in ("doi:10.17632/rscbjbr9sj", "doi:10.1/other")
    )
    assert TO_BE_TOLD not in {row[2] for section in ours for row in section.tables[0].rows}
    assert TO_BE_TOLD in {row[2] for section in theirs for row in section.tables[0].rows}


def test_the_history_of_the_shipped_model_is_told_of_no_other(shipped_bundle):
    about, _ = guidelines()
    assert about["model"] == hashlib.sha256(shipped_bundle.model).hexdigest(), "read the answers of scope model anew"
    ours = statuses(checklist_sections({"identifier": about["data"]}, (), model_sha256=about["model"]))
    retrained = statuses(checklist_sections({"identifier": about["data"]}, (), model_sha256="0" * 64))
    for checklist, item, told in ((0, "26", "partly"), (1, "12f", "partly"), (1, "24", "not applicable")):
        assert (ours[checklist][item], retrained[checklist][item]) == (told, TO_BE_TOLD)


def test_that_earlier_recipes_had_been_measured_on_the_test_is_told(card):
    assert "found with a first recipe whose results on the test were known" in card
    assert "five designs before it had been" in card


def test_what_was_not_measured_is_not_claimed():
    (claim, _) = checklist_sections({}, ())
    (with_audit, _) = checklist_sections({}, {"audit"})
    robustness = [next(row for row in each.tables[0].rows if row[0] == "30") for each in (claim, with_audit)]
    assert [row[2] for row in robustness] == ["no", "yes"]


def test_a_file_that_is_no_evaluation_is_refused(tmp_path):
    for content, code in (("{", "document-unreadable"), ("{}", "document-foreign"), ("[]", "document-foreign")):
        (tmp_path / "evaluation.json").write_text(content)
        found = CliRunner().invoke(command, ["--evaluation", str(tmp_path / "evaluation.json")])
        assert found.exception.code == code
