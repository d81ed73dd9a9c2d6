"""The report shows the document's numbers, trusts no name in it, needs no other file, and bears what is missing."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from pneumoscope.evaluation.columns import ScoreColumns
from pneumoscope.evaluation.evaluate import evaluate_scores
from pneumoscope.report.evaluated import evaluated
from pneumoscope.report.evaluation_figures import caption_of, drawable, figures, spread
from pneumoscope.report.evaluation_report import html_report, markdown_report, write_evaluation_report
from pneumoscope.report.evaluation_sections import evaluation_sections
from pneumoscope.report.gallery_words import attribution_of, color_key
from pneumoscope.report.published import published_results
from pneumoscope.report.words import in_percent, number

EXAMPLES = Path(__file__).parents[3] / "examples/radiographs"

HOSTILE = '<img src=x onerror=alert(1)>"|`$x_1$`](http://evil.example)'
FIGURES = {
    "roc",
    "precision-recall",
    "reliability",
    "decision-curve",
    "score-histogram",
    "confusion-matrices",
    "promises",
    "subgroups-auroc",
    "subgroups-sensitivity",
    "subgroups-specificity",
}


class Page(HTMLParser):
    """Tags with their attributes, and all text outside of style."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.inside_style = [], [], False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside_style = tag == "style"

    def handle_data(self, data):
        if not self.inside_style:
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="module")
def written(tmp_path_factory, document, example_columns, shipped_bundle):
    folder = tmp_path_factory.mktemp("report")
    (folder / "figures").mkdir()
    (folder / "figures/error-09.jpg").write_bytes(b"of an earlier report")
    write_evaluation_report(folder, document, example_columns, bundle=shipped_bundle, data=EXAMPLES)
    return folder


@pytest.fixture(scope="module")
def page(written):
    return Page((written / "report.html").read_text("utf-8"))


def bare(document, bundle=None):
    """Both forms without figures, which take seconds."""
    subject = evaluated(document, bundle)
    sections = evaluation_sections(subject)
    return Page(html_report(subject, sections, {}, [])).text, markdown_report(subject, sections, {}, [])


def test_every_figure_is_written_as_png_and_svg_and_shown(written, page):
    names = {path.name for path in (written / "figures").iterdir()}
    assert names == {f"{name}{suffix}" for name in FIGURES for suffix in (".png", ".svg")} | {
        "error-01.jpg",
        "error-02.jpg",
    }
    for name in FIGURES:
        ET.fromstring((written / "figures" / f"{name}.svg").read_bytes())
    assert sum(tag == "img" for tag, _ in page.tags) == len(FIGURES) + 2


def test_the_page_needs_nothing_else_and_runs_nothing(written, page):
    addresses = [attributes[name] for _, attributes in page.tags for name in ("src", "href") if name in attributes]
    assert all(address.startswith(("data:image/", "#")) for address in addresses)
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "link", "object", "form"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert (written / "report.html").stat().st_size < 3_000_000


def test_a_hostile_name_is_text_in_the_page(page):
    assert page.text.count(HOSTILE) >= 4
    assert not [attributes for tag, attributes in page.tags if tag == "img" and attributes.get("src") == "x"]


def test_a_hostile_name_is_text_in_the_markdown(written):
    text = (written / "report.md").read_text("utf-8")
    assert "<img" not in text
    assert "http://" not in text
    assert len(set(re.findall(r"(?<!\\)\]\(([^)]*)\)", text)) - {f"figures/{n}.png" for n in FIGURES}) == 2
    cells = [re.split(r"(?<!\\)\|", line) for line in text.splitlines() if line.startswith("| ")]
    assert {len(row) for row in cells} <= {4, 5, 6, 7, 8}
    assert all(row[0] == row[-1] == "" for row in cells)


def test_the_links_of_the_markdown_lead_to_what_was_written(written):
    links = re.findall(r"!\[[^]]*\]\((\S+)\)", (written / "report.md").read_text("utf-8"))
    assert len(links) == len(FIGURES) + 2
    assert all((written / link).is_file() for link in links)


def test_the_numbers_are_those_of_the_document(document):
    html, markdown = bare(document)
    balanced = document["operating_points"]["balanced"]
    for text in (html, markdown):
        assert number(document["metrics"]["auroc"]) in text
        assert number(document["auroc_delong"]) in text
        assert number(document["before_calibration"]["calibration_error"]) in text
        assert in_percent(balanced["metrics"]["npv"]) in text
        assert in_percent(balanced["at_prevalence"]["ppv"]) in text
        assert in_percent(document["zones"]["metrics"]["uncertain_with_finding"]) in text
        assert in_percent(document["subgroups"]["subtype"][1]["operating_points"]["balanced"]["sensitivity"]) in text


def test_the_fields_usual_names_stand_in_brackets(document):
    for text in bare(document):
        assert "sensitivity (recall" in text
        assert "PPV (precision)" in text


def test_operating_points_that_are_alike_share_a_column(document):
    html, _ = bare(document)
    assert f"Balanced = {HOSTILE}" in html


def test_small_groups_are_marked(document):
    html, markdown = bare(document)
    assert "Quartile 1 (100 to 148) †" in html.replace("quartile", "Quartile")
    assert "† small group: fewer than 10 patients" in html
    assert "† small group" in markdown


def test_the_report_opens_with_what_was_evaluated(document, shipped_bundle):
    document = document | {
        "data": {"manifest_sha256": "m" * 64, "scores_sha256": "s" * 64, "folder": "films"},
        "test_openings": {"recorded": 3, "this_one": True},
    }
    html, markdown = bare(document, shipped_bundle)
    for text in (html, markdown):
        assert "m" * 64 in text
        assert "3 times by this bundle's line" in text
        assert shipped_bundle.sha256 in text
        assert text.index("3 times by this bundle") < text.index("In plain words")


def test_openings_that_came_after_the_evaluation_count_as_well(document, shipped_bundle):
    card = shipped_bundle.card
    opened = [{"opened": f"2026-11-0{day}T00:00:00+00:00"} for day in (1, 2, 3)]
    later = replace(shipped_bundle, card=replace(card, provenance=card.provenance | {"test_openings": opened}))
    document = document | {"test_openings": {"recorded": 1, "this_one": False}}
    for text in bare(document, later):
        assert "3 times by this bundle's line" in text
        assert opened[2]["opened"] in text


def test_the_report_opens_with_that_these_radiographs_chose_the_thresholds(document, shipped_bundle):
    html, markdown = bare(document | {"split": "validation"}, shipped_bundle)
    warning = "These radiographs chose the calibration, operating points and zones of this model"
    for text in (html, markdown):
        assert text.index(warning) < text.index("SHA-256 of the model")
        assert "promised and measured" not in text
        assert "did not hold" not in text
        assert "the raw scores" not in text
    assert all(warning not in text for text in bare(document, shipped_bundle))


def test_the_gallery_says_what_its_colours_mean_and_whose_films_it_shows(written, page, shipped_bundle):
    scale = f"they end at {shipped_bundle.card.saliency.scale_logit:.2f} logit units a cell of the map"
    for text in (page.text, (written / "report.md").read_text("utf-8").replace("\\", "")):
        assert scale in text
        assert "The model was made from: Kermany D, Zhang K, Goldbaum M" in text
        assert "CC BY 4.0" in text


def test_films_are_attributed_for_certain_where_the_manifest_is_that_of_training(document, shipped_bundle):
    training = shipped_bundle.card.provenance["training_data"]
    same = document | {"split": "validation", "data": {"manifest_sha256": training["manifest_sha256"]}}
    text = attribution_of(evaluated(same, shipped_bundle))
    assert text.startswith("Radiographs: Kermany D")
    assert text.endswith(f"{training['identifier']}, {training['licence']}.")
    assert attribution_of(evaluated(same, None)) == ""
    assert color_key(evaluated(same, shipped_bundle), []) == ""


def test_intervals_are_named_under_figures_that_have_some_only(document, example_columns, monkeypatch):
    captions = {}
    for name in ("roc_figure", "confusion_matrices", "score_histogram_figure", "reliability_figure"):
        monkeypatch.setattr(
            f"pneumoscope.report.evaluation_figures.{name}",
            lambda *drawn, name=name, caption, **_: captions.update({name: (caption, drawn)}),
        )
    list(figures(evaluated(document, None), example_columns))
    told = {name: "95 % intervals by resampling patients" in caption for name, (caption, _) in captions.items()}
    assert told == {
        "roc_figure": True,
        "confusion_matrices": False,
        "score_histogram_figure": False,
        "reliability_figure": False,
    }
    ((series,),) = captions["roc_figure"][1]
    assert (series.auroc.low, series.auroc.high) == (
        document["metrics"]["auroc"]["low"],
        document["metrics"]["auroc"]["high"],
    )


def test_patients_that_are_not_known_are_not_counted_under_a_figure(document):
    unknown = document | {"interval": document["interval"] | {"unit": "radiograph"}}
    assert f"{document['radiographs']} radiographs (patients unknown)" in caption_of(evaluated(unknown, None))
    assert f"of {document['patients']} patients" in caption_of(evaluated(document, None))
    assert "radiographs with / without" in bare(unknown)[1]


def test_an_older_and_shorter_document_is_reported_too(document):
    short = {
        key: document[key] for key in ("split", "made", "bundle", "radiographs", "patients", "with_finding", "interval")
    }
    short["metrics"] = {name: document["metrics"][name] for name in ("auroc", "brier_score", "calibration_error")}
    kept = ("threshold", "promised", "confusion")
    rates = ("accuracy", "sensitivity", "specificity")
    short["operating_points"] = {
        name: {key: at[key] for key in kept} | {"metrics": {rate: at["metrics"][rate] for rate in rates}}
        for name, at in document["operating_points"].items()
    }
    html, markdown = bare(short)
    assert "Three zones" not in html
    assert "Subgroups" not in markdown
    assert "The calibration error is" in html


def test_nothing_but_a_ranking_can_be_reported(document, tmp_path, example_columns):
    """No operating point, no zones, a subgroup column without groups, no bundle, no data, numbers without intervals."""
    nothing = {"value": None, "low": None, "high": None}
    auroc = {"value": 0.9, "low": None, "high": None}
    least = {
        "radiographs": 26,
        "patients": 13,
        "with_finding": 13,
        "metrics": {"auroc": auroc, "calibration_slope": nothing, "calibration_error": nothing},
        "auroc_delong": None,
        "before_calibration": None,
        "operating_points": {},
        "zones": None,
        "subgroups": {"ward": []},
        "bundle": None,
        "split": None,
    }
    html, markdown = bare(least)
    assert "0.900" in html
    assert "not defined" in markdown
    assert "None" not in html


def test_scores_of_another_system_are_reported_without_bundle_and_data(tmp_path, example_columns):
    columns = ScoreColumns(example_columns.paths, example_columns.labels, example_columns.probabilities)
    found = evaluate_scores(columns, [], resamples=20, generator=np.random.default_rng(0))
    write_evaluation_report(tmp_path, found, columns, bundle=None, data=None)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "The most wrong radiographs" not in text
    assert "Evaluation of scores" in text
    names = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert names == {"roc", "precision-recall", "reliability", "decision-curve", "score-histogram"}


def test_a_given_threshold_promised_nothing(document):
    given = json.loads(json.dumps(document))
    for at in given["operating_points"].values():
        at["promised"] = {"sensitivity": None, "specificity": None, "on": None, "rule": "given"}
    html, _ = bare(given)
    assert "promised and measured" not in html
    assert "The promises" not in html


def test_published_systems_stand_beside_the_official_test_only(document):
    results = published_results()
    assert {(system.name, system.accuracy, system.auroc) for system in results.systems} >= {
        ("Google AutoML Vision", 0.946, 0.991),
        ("ResNet-50 (224 px)", 0.884, 0.962),
    }
    official = document | {"radiographs": 624, "with_finding": 390}
    assert "published, not re-run" in bare(official)[0]
    assert "published, not re-run" not in bare(document)[0]
    assert "published, not re-run" not in bare(official | {"split": "validation"})[0]


def test_a_published_number_is_placed_by_the_interval_measured_here(document):
    official = json.loads(json.dumps(document)) | {"radiographs": 624, "with_finding": 390}
    official["metrics"]["auroc"] = {"value": 0.97, "low": 0.96, "high": 0.98}
    text = bare(official)[0]
    assert "0.956 (below)" in text
    assert "0.962 (inside)" in text
    assert "0.991 (above)" in text


def test_text_for_a_figure_has_no_formulas_and_no_steering_characters():
    assert drawable("a$x$\n\x1b[31m") == r"a\$x\$ [31m"
    assert len(drawable("n" * 500)) == 48


def test_a_curve_of_a_million_points_is_thinned_to_its_ends_and_some_between():
    kept = spread(1_000_000)
    assert len(kept) == 2000
    assert (kept[0], kept[-1]) == (0, 999_999)
    assert spread(3).tolist() == [0, 1, 2]
