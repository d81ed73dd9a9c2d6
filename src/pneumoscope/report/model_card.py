"""The model card of a bundle, with numbers out of `card.json`, `evaluation.json` and `audit.json` only, so that none can drift.

In the form that the Hugging Face hub reads (YAML front matter), after Mitchell 2019, "Model Cards for Model Reporting"
(doi:10.1145/3287560.3287596).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.bundle.card import Card
from pneumoscope.errors import UnusableData
from pneumoscope.report.card_sections import of_card
from pneumoscope.report.checklists import checklist_sections
from pneumoscope.report.decision_sections import decisions_section, promises_section
from pneumoscope.report.evaluated import Document, Evaluated, evaluated, facts
from pneumoscope.report.evaluation_sections import (
    calibration_section,
    ranking_section,
    subgroups_section,
    zones_section,
)
from pneumoscope.report.front_matter import front_matter
from pneumoscope.report.markdown import escaped, section_lines
from pneumoscope.report.published import published_results, published_section
from pneumoscope.report.section import Section, Table
from pneumoscope.report.summary import summary
from pneumoscope.report.words import Entry, capital, column_name, counted, listed, number

Audit = Mapping[str, Any]


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
