"""The report of an evaluation: figures, one HTML page that holds everything, and Markdown for a repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.evaluation.columns import ScoreColumns
from pneumoscope.report.chosen_here import told_openly
from pneumoscope.report.error_gallery import WrongRadiograph, error_gallery
from pneumoscope.report.evaluated import Evaluated, evaluated, facts
from pneumoscope.report.evaluation_figures import FOLDER, write_figures
from pneumoscope.report.evaluation_sections import evaluation_sections
from pneumoscope.report.gallery_words import attribution_of, color_key
from pneumoscope.report.markdown import escaped, section_lines, table_lines
from pneumoscope.report.page_templates import templates
from pneumoscope.report.row import probability_words
from pneumoscope.report.section import FigureFile, Section, Table
from pneumoscope.report.summary import summary
from pneumoscope.report.words import capital
from pneumoscope.whole_file import write_whole

HTML_NAME: Final = "report.html"
MARKDOWN_NAME: Final = "report.md"
PURPOSE: Final = "Research and education only. Not a medical device."
NO_REASON: Final = "No reason was found here."


def write_evaluation_report(
    folder: Path, document: Mapping[str, Any], columns: ScoreColumns, *, bundle: Bundle | None, data: Path | None
) -> None:
    """Write `report.html`, `report.md` and `figures/` into `folder`.

    `document` is what `evaluation.json` holds, as `evaluate_scores` gives it or shorter, with `split`, `made` and `bundle`
    where they are known; `columns` are the scores it was made of. With `data`, the folder that their paths are relative
    to, the most wrong radiographs are shown, with `bundle` also their overlays. `MissingExtra` without Matplotlib,
    `UnusableOutput` where the folder cannot be written.
    """
    subject = evaluated(document, bundle)
    figures = write_figures(folder, subject, columns)
    gallery = errors_shown(subject, columns, bundle=bundle, data=data)
    write_error_pictures(folder, gallery)
    sections = evaluation_sections(subject)
    write_whole(folder / HTML_NAME, html_report(subject, sections, figures, gallery).encode())
    write_whole(folder / MARKDOWN_NAME, markdown_report(subject, sections, figures, gallery).encode())


def errors_shown(
    subject: Evaluated, columns: ScoreColumns, *, bundle: Bundle | None, data: Path | None
) -> list[WrongRadiograph]:
    """The gallery at the default operating point; nothing where there is no data or no decision."""
    if data is None or subject.point is None:
        return []
    return error_gallery(columns, subject.point["threshold"], data, bundle=bundle)


def error_name(number: int) -> str:
    """File name of a picture of the gallery, below `figures/`."""
    return f"error-{number:02d}.jpg"


def write_error_pictures(folder: Path, gallery: Sequence[WrongRadiograph]) -> None:
    """The pictures beside the figures, those of an earlier report taken away."""
    for old in (folder / FOLDER).glob("error-??.jpg"):
        old.unlink()
    for number, wrong in enumerate(gallery, start=1):
        if wrong.picture:
            write_whole(folder / FOLDER / error_name(number), wrong.picture.jpeg)


def title_of(subject: Evaluated) -> str:
    """What the report is called."""
    return f"Evaluation of {subject.model}" if subject.model else "Evaluation of scores"


def html_report(
    subject: Evaluated,
    sections: Sequence[Section],
    figures: Mapping[str, FigureFile],
    gallery: Sequence[WrongRadiograph],
) -> str:
    """One file that needs no other: figures are inside, there is no script, and every text is escaped."""
    return (
        templates()
        .get_template("evaluation.html.jinja")
        .render(
            title=title_of(subject),
            purpose=PURPOSE,
            warning=told_openly(subject.chosen_here),
            facts=facts(subject),
            sentences=summary(subject),
            sections=sections,
            figures=figures,
            gallery=gallery,
            point=subject.default_point,
            threshold=subject.point["threshold"] if subject.point else None,
            attribution=attribution_of(subject),
            color_key=color_key(subject, gallery),
            no_reason=NO_REASON,
        )
    )


def markdown_report(
    subject: Evaluated,
    sections: Sequence[Section],
    figures: Mapping[str, FigureFile],
    gallery: Sequence[WrongRadiograph],
) -> str:
    """The same for a repository, with links to the figures."""
    lines = [f"# {escaped(title_of(subject))}", "", f"{PURPOSE} Written by `pneumoscope evaluate`.", ""]
    if warning := told_openly(subject.chosen_here):
        lines += [f"**{escaped(warning)}**", ""]
    lines += [*table_lines(Table(("what was evaluated", ""), tuple(facts(subject)))), ""]
    lines += ["## In plain words", "", *(f"- {escaped(sentence)}" for sentence in summary(subject)), ""]
    for section in sections:
        shown = [figures[name] for name in section.figures if name in figures]
        lines += section_lines(section, [(f"{FOLDER}/{figure.name}.png", figure.alt) for figure in shown])
    if gallery:
        lines += gallery_lines(subject, gallery)
    return "\n".join(lines).rstrip("\n") + "\n"


def gallery_lines(subject: Evaluated, gallery: Sequence[WrongRadiograph]) -> Iterator[str]:
    """Each error with its picture, its score and what may explain it."""
    yield from ("## The most wrong radiographs", "")
    texts = f"At the operating point {subject.default_point}.", color_key(subject, gallery), attribution_of(subject)
    yield from (escaped(" ".join(text for text in texts if text)), "")
    for number, wrong in enumerate(gallery, start=1):
        yield from (f"### {number}. {escaped(f'{capital(wrong.kind)}: {wrong.path}')}", "")
        if wrong.picture:
            yield from (f"![{escaped(f'Radiograph {number}')}]({FOLDER}/{error_name(number)})", "")
        yield f"- reference standard {escaped(wrong.reference)}, probability {probability_words(wrong.probability)}"
        for reason in wrong.reasons or (NO_REASON,):
            yield f"- {escaped(reason)}"
        yield ""
