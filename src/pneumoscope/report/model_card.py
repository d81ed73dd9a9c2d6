"""The model card of a bundle, with numbers out of `card.json`, `evaluation.json` and `audit.json` only, so that none can drift.

In the form that the Hugging Face hub reads (YAML front matter), after Mitchell 2019, "Model Cards for Model Reporting"
(doi:10.1145/3287560.3287596).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.bundle.card import Card
from pneumoscope.errors import UnusableData
from pneumoscope.report.checklists import checklist_sections
from pneumoscope.report.evaluated import Document, Evaluated, evaluated, facts
from pneumoscope.report.evaluation_sections import (
    calibration_section,
    decisions_section,
    promises_section,
    ranking_section,
    subgroups_section,
    zones_section,
)
from pneumoscope.report.front_matter import front_matter
from pneumoscope.report.markdown import escaped, section_lines
from pneumoscope.report.published import published_results, published_section
from pneumoscope.report.section import Section, Table
from pneumoscope.report.summary import summary
from pneumoscope.report.words import Entry, capital, column_name, counted, listed, number, percent

Audit = Mapping[str, Any]

NOT_FOR: Final = (
    (
        "Not for diagnosis, screening, triage or any other decision about a patient: it is not a medical device, and was tested"
        " in no clinic."
    ),
    (
        "Not for other views, other parts of the body, photographs of films or monitors, or patients outside the population below:"
        " its answers there are not known to be worth anything. DICOM files that say so get a warning, other files cannot."
    ),
    "Not to rule out other findings: it knows pneumonia and its absence, nothing else.",
)


def model_card(bundle: Bundle, *, evaluation: Document | None, audit: Audit | None, command: str) -> str:
    """The card as Markdown. Without `evaluation` the test metrics that the bundle's own card holds are taken, if any.

    `command` is what wrote it, for whoever wants to write it again. `UnusableData` where evaluation or audit are of another
    model.
    """
    for given, name in ((evaluation, "evaluation"), (audit, "audit")):
        if given is not None:
            refuse_another_model(given, bundle, name)
    card = bundle.card
    document = evaluation or card.metrics.get("test")
    subject = evaluated(document, bundle) if document else None
    sections = [*of_card(bundle), *of_evaluation(subject), *of_audit(audit), limits(card, subject)]
    known = {key for key, value in (document or {}).items() if value} | ({"audit"} if audit else set())
    sections += checklist_sections(
        card.provenance.get("training_data") or {}, known, model_sha256=hashlib.sha256(bundle.model).hexdigest()
    )
    lines = [front_matter(card, subject), "", f"<!-- {comment(command)} -->", ""]
    lines += [f"# {escaped(f'Model card: {card.name} {card.version}')}", "", f"**{escaped(card.intended_use)}**", ""]
    for section in sections:
        lines += section_lines(section, ())
    return "\n".join(lines).rstrip("\n") + "\n"


def comment(text: str) -> str:
    """Nothing that ends an HTML comment (HTML 13.1.6)."""
    return text.replace("--!>", "").replace("-->", "").replace("<!--", "").replace("\n", " ")


def refuse_another_model(document: Mapping[str, Any], bundle: Bundle, name: str) -> None:
    """By the model's checksum; what does not say which model it is of cannot be told as this one's."""
    stated = (document.get("bundle") or {}).get("model_sha256")
    if stated != hashlib.sha256(bundle.model).hexdigest():
        raise UnusableData(
            "card-of-another-model",
            (
                f"The {name} is of another model ({str(stated)[:12]}) than the bundle {bundle.title}."
                if stated
                else f"The {name} does not say which model it is of, so it may be of another model than {bundle.title}."
            ),
            remedy=f"Give the {name}.json of this bundle, or the bundle that it is of by --bundle.",
        )


def of_card(bundle: Bundle) -> Iterator[Section]:
    """What `card.json` says."""
    card = bundle.card
    population = card.population
    ages = f"{population.age_years[0]:g} to {population.age_years[1]:g} years"
    yield Section(
        "use",
        "Intended use",
        sentences=(
            (
                "For research and education: to study how a classifier of chest radiographs behaves, where its evidence lies, how far"
                " its probability can be trusted, and where it fails."
            ),
            *NOT_FOR,
            f"Made from: {population.description}; ages {ages}; views {listed(population.view_positions)}.",
        ),
    )
    yield Section("model", "Model", tables=(Table(("", "value"), tuple(model_rows(bundle))),))
    data = card.provenance.get("training_data") or {}
    if data:
        yield Section("data", "Data", tables=(Table(("", "value"), tuple(named_rows(data))),))
    yield from of_recipe(card)
    yield Section("points", "Operating points", tables=(points_table(card),))


def model_rows(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """What it is, how large it is, and what it was made with."""
    card, recipe = bundle.card, bundle.card.provenance.get("recipe") or {}
    preprocessing, saliency = card.preprocessing.to_dict(), card.saliency
    size = f"{len(bundle.model) / 1e6:.1f} MB"
    yield "name and version", f"{card.name} {card.version}"
    if recipe.get("backbone"):
        yield "backbone", str(recipe["backbone"])
    yield (
        "input",
        f"one gray picture, {listed([f'{column_name(key)} {value}' for key, value in preprocessing.items()])}",
    )
    yield "output", f"{listed(card.labels)}: logit, saliency map and embedding in one pass of one ONNX graph"
    yield (
        "probability",
        (
            f"sigmoid(slope * logit + intercept), slope {card.calibration.slope:.4f}, intercept {card.calibration.intercept:.4f}"
            " (Platt scaling)"
        ),
    )
    yield "explanation", f"{saliency.method}, of the {saliency.feature_map}"
    if saliency.adds_up:
        yield "the map adds up", f"its pixels plus {saliency.bias_logit:.4f} are the logit"
    yield "colour scale", f"ends at {saliency.scale_logit:.4f} logit units a map cell, in every picture"
    yield "model.onnx", f"{size}, SHA-256 {hashlib.sha256(bundle.model).hexdigest()}"
    if card.zones:
        yield (
            "zones",
            (
                f"pneumonia possible from {card.zones.pneumonia_possible_from:.4f} on, normal up to"
                f" {card.zones.normal_possible_up_to:.4f}; both or neither is uncertain, an error rate of"
                f" {percent(card.zones.alpha)} a class was promised on {card.zones.chosen_on}"
            ),
        )
    if bundle.lungs is not None:
        yield "lungs.onnx", f"{len(bundle.lungs) / 1e6:.1f} MB: finds the lungs, to refuse or warn"
    if card.map_trust:
        yield (
            "the map is doubted",
            (
                f"where less than {percent(card.map_trust.least_heat_inside)} of the evidence for pneumonia lies inside the"
                f" lungs, chosen on {card.map_trust.provenance.get('split', 'a part that is not recorded')}"
            ),
        )
    if bundle.cases is not None and card.cases:
        thumbnails = card.cases.provenance.get("thumbnails")
        pictures = f", with small pictures: {thumbnails['attribution']}" if thumbnails else ""
        yield (
            "cases.npz",
            f"{len(bundle.cases) / 1e6:.1f} MB: {card.cases.count} training radiographs to name as similar{pictures}",
        )
    yield "software", listed([f"{name} {version}" for name, version in card.versions.items()]) or "not recorded"
    yield "speed and energy", "not part of the card: benchmarks/speed.py measures a machine; energy was not measured"


def points_table(card: Card) -> Table:
    """As the bundle decides; what they promised and gave stands in the evaluation."""
    default = card.default_operating_point
    rows = tuple(
        (
            f"{point.name} (default)" if point.name == default else point.name,
            f"{point.threshold:.4f}",
            f"{percent(point.sensitivity)} / {percent(point.specificity)}",
            f"{point.chosen_on}: {point.rule}",
        )
        for point in card.operating_points
    )
    return Table(("name", "PNEUMONIA from", "promised sensitivity / specificity", "chosen on"), rows)


def named_rows(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Scalars of a block of the card, by name; numbers that are shares to four places."""
    for key, value in content.items():
        if isinstance(value, bool) or not isinstance(value, Mapping | list):
            yield column_name(str(key)), f"{value:.4g}" if isinstance(value, float) else str(value)


def of_recipe(card: Card) -> Iterator[Section]:
    """Stages as a table; the whole recipe stands in `card.json`."""
    recipe, provenance = card.provenance.get("recipe") or {}, card.provenance
    stages = [stage for stage in recipe.get("stages") or [] if isinstance(stage, Mapping)]
    if not recipe:
        return
    told = ", ".join(f"{name} {provenance[name]}" for name in ("seed", "made") if name in provenance)
    keys = list(dict.fromkeys(key for stage in stages for key in stage))
    rows = tuple((column_name(key), *(str(stage.get(key, "")) for stage in stages)) for key in keys)
    header = ("", *(f"stage {number}" for number in range(1, len(stages) + 1)))
    settings = {key: value for key, value in recipe.items() if key not in {"name", "stages", "augmentation"}}
    yield Section(
        "training",
        "Training",
        sentences=(
            f"Recipe {recipe.get('name', card.name)}{f', {told}' if told else ''}; all of it stands in card.json.",
        ),
        tables=(Table(("setting", "value"), tuple(named_rows(settings))), *([Table(header, rows)] if stages else [])),
    )


def of_evaluation(subject: Evaluated | None) -> Iterator[Section]:
    """What was measured, in words and tables."""
    if subject is None:
        sentence = "No evaluation was given to this card, and the bundle's own card holds none of a test split."
        yield Section("evaluation", "Evaluation", sentences=(sentence,))
        return
    document = subject.document
    yield Section(
        "evaluation",
        "Evaluation",
        sentences=tuple(summary(subject)),
        tables=(Table(("what was evaluated", ""), tuple(facts(subject))),),
    )
    found = [
        published_section(subject),
        ranking_section(document),
        promises_section(subject),
        decisions_section(document),
        calibration_section(subject),
        zones_section(document),
        subgroups_section(subject),
    ]
    yield from (section for section in found if section is not None)


def of_audit(audit: Audit | None) -> Iterator[Section]:
    """Verdicts counted, and every row that failed."""
    if audit is None:
        return
    counts = listed([f"{count} {verdict}" for verdict, count in audit["summary"].items()])
    failed = tuple(
        (str(row["asked"]), str(row["measured"]), number(row), limit_of(row))
        for row in audit["rows"]
        if row["verdict"] == "fail"
    )
    yield Section(
        "audit",
        "Shortcut audit",
        sentences=(
            (
                f"pneumoscope audit on {counted(audit['radiographs'], 'radiograph')} of the split {audit['split']}: {counts}."
                f" {'These rows failed.' if failed else 'No row failed.'}"
            ),
        ),
        tables=(Table(("question", "measured", "value", "limit"), failed),) if failed else (),
    )


def limit_of(row: Mapping[str, Any]) -> str:
    """`at most 0.8`."""
    limit = row.get("limit") or {}
    ends = [f"{column_name(end)} {limit[end]:g}" for end in ("at_least", "at_most") if limit.get(end) is not None]
    return listed(ends) or "none"


def limits(card: Card, subject: Evaluated | None) -> Section:
    """What no number above may hide."""
    data = card.provenance.get("training_data") or {}
    validation = card.metrics.get("validation") or {}
    sentences = [
        (
            f"It was made from one set of radiographs ({data.get('name', 'not named')}): {card.population.description}. For anybody"
            " else, and for films made elsewhere, nothing is known until it is measured there."
        ),
        "The reference standard is a label of each film, not a confirmed diagnosis; the model can be no better than those labels.",
        (
            "Calibration, operating points and zones hold for patients like those of the validation part; wherever pneumonia is more"
            " or less common, or films look different, they shift."
        ),
        "A saliency map shows where the evidence of this model lies, not where the disease is.",
    ]
    if subject is None:
        sentences.append("No test split has been measured.")
    if "auroc" in (validation.get("metrics") or {}) and subject:
        before, after = validation["metrics"]["auroc"], subject.document["metrics"]["auroc"]
        sentences += moved(subject, before, after)
    return Section("limits", "Limits", sentences=tuple(capital(sentence) for sentence in sentences))


def moved(subject: Evaluated, before: Entry, after: Entry) -> Iterator[str]:
    """How far a number moved between the part that chose and another one; of one data set only where that is known."""
    if subject.chosen_here or subject.document.get("split") == "validation":
        return
    what = " between two parts of one data set" if published_results().are_of(subject.document) else ""
    yield f"AUROC was {number(before)} on validation and is {number(after)} on {subject.part}: that is how far numbers move{what}."
