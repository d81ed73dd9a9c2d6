"""The numbers of docs/explanation/the-data.md are those that `pneumoscope data audit` wrote."""

import json
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
TEXT = (PROJECT / "docs/explanation/the-data.md").read_text("utf-8")
WORDS = " ".join(TEXT.split())
AUDIT = json.loads((PROJECT / "results/data-audit.json").read_text("utf-8"))
CUES = AUDIT["shortcuts"]["cues"]


def percent(share):
    return f"{100 * share:.1f} %"


@pytest.mark.parametrize("split", AUDIT["splits"])
def test_the_counts_of_each_split_are_those_of_the_audit(split):
    counts = AUDIT["splits"][split]
    subtypes = [counts["subtypes"].get(name, 0) for name in ("bacterial", "viral")]
    numbers = [counts["radiographs"], counts["patients"], *counts["labels"].values(), *subtypes]
    assert f"| `{split}` | {' | '.join(f'{number:,}' for number in numbers)} |" in TEXT


@pytest.mark.parametrize("cue", CUES)
def test_the_strength_of_each_cue_is_that_of_the_audit(cue):
    cells = []
    for part in ("within_train", "test"):
        told = CUES[cue][part]
        cells += [f"{told['auroc']:.3f}", percent(told["accuracy"]), percent(told["specificity"])]
    assert f"| `{cue}` | {' | '.join(cells)} |" in TEXT


def test_every_row_of_the_tables_is_in_the_audit():
    assert set(re.findall(r"^\| `([\w-]+)`", TEXT, re.MULTILINE)) == set(AUDIT["splits"]) | set(CUES)


def sentences():
    exact, near, medians = AUDIT["exact_duplicates"], AUDIT["near_duplicates"], AUDIT["shortcuts"]["medians"]
    shares = {split: percent(counts["share_with_finding"]) for split, counts in AUDIT["splits"].items()}
    ratio = medians["aspect_ratio"]["all"]
    thumbnail = CUES["thumbnail"]
    assert not AUDIT["unreadable"]
    yield f"Every one of the {AUDIT['radiographs']:,} files can be read"
    yield f"right for {shares['train']} of `train` and {shares['test']} of `test`"
    yield f"train and test share {len(AUDIT['patients_in_two_splits']['train and test'])} patients"
    yield f"{exact['groups']} groups of radiographs are the same to the pixel ({exact['radiographs']} files)"
    yield f"{exact['across_splits']} of the groups are across splits, {exact['across_labels']} across labels"
    yield f"{near['pairs']} pairs are nearly the same picture"
    yield f"aspect ratio (width over height) is {ratio['NORMAL']:.2f} for normal and {ratio['PNEUMONIA']:.2f} for pneumonia"
    yield f"reaches an AUROC of {CUES['width']['test']['auroc']:.3f} on the official test"
    yield f"For {CUES['width']['unknown']} radiographs the original size is not known"
    yield f"right for {percent(thumbnail['within_train']['accuracy'])} within `train` and for"
    yield f"{percent(thumbnail['test']['accuracy'])} on `test`, where they call all but"
    yield f"all but {percent(thumbnail['test']['specificity'])} of the normal films pneumonia"


@pytest.mark.parametrize("sentence", list(sentences()))
def test_each_sentence_with_a_number_says_what_the_audit_found(sentence):
    assert sentence in WORDS


def test_the_audit_found_what_is_known_of_the_data_set():
    assert AUDIT["exact_duplicates"]["groups"] == 30
    assert AUDIT["exact_duplicates"]["across_splits"] == 0
    assert AUDIT["patients_in_two_splits"]["train and test"] == []
    assert AUDIT["shortcuts"]["medians"]["aspect_ratio"]["all"] == pytest.approx(
        {"NORMAL": 1.23, "PNEUMONIA": 1.49}, abs=0.005
    )
    assert CUES["thumbnail"]["within_train"]["accuracy"] == pytest.approx(0.96, abs=0.005)
    assert CUES["thumbnail"]["test"]["accuracy"] == pytest.approx(0.756, abs=0.005)
