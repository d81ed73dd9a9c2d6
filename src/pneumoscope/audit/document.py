"""The audit in writing: `audit.json` for programs, `audit.md` for a repository, a plain table for the terminal."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pneumoscope.audit.audit import Audit
from pneumoscope.audit.question import SECTIONS
from pneumoscope.audit.verdict import AuditRow, Measured, Verdict

DISCLAIMER = "Research and education only. Not a medical device."


def audit_json(audit: Audit) -> str:
    """Everything, with full precision."""
    content = {**audit.record, "summary": audit.counts, "rows": [row_content(row) for row in audit.rows]}
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def row_content(row: AuditRow) -> dict[str, Any]:
    """One row as it goes into `audit.json`."""
    question = row.question
    return {
        "row": question.row,
        "asked": question.asked,
        "measured": question.measured,
        "radiographs": question.radiographs,
        **row.measured.to_dict(),
        "limit": row.limit.to_dict() if row.limit else None,
        "verdict": row.verdict,
        "certain": row.certain,
        "why_not": row.why_not,
        "also": {name: measured.to_dict() for name, measured in row.also.items()},
        "facts": dict(question.facts),
    }


def audit_markdown(audit: Audit) -> str:
    """A table a section, what was measured beside each row, and what it all rests on."""
    bundle = audit.record["bundle"]
    heading = f"# Shortcut audit of {bundle['name']} {bundle['version']}"
    written = "Written by `pneumoscope audit`; the same numbers stand in `audit.json`."
    return markdown_of(audit, SECTIONS, [heading, "", f"{DISCLAIMER} {written}"], rests_on(audit.record))


def markdown_of(audit: Audit, sections: Mapping[str, str], heading: Sequence[str], rests_on: Iterable[str]) -> str:
    """Heading, what the audit rests on, the verdicts counted, and a table for each of `sections` (title by name)."""
    lines = [
        *heading,
        "",
        *(f"- {line}" for line in rests_on),
        "",
        f"**{summary(audit)}** Values with 95 % intervals; `~` marks a verdict whose interval reaches over the limit.",
    ]
    for section, title in sections.items():
        lines += ["", f"## {title}", "", "| row | measured | value | limit | verdict | beside it |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += [markdown_row(row) for row in rows_of(audit, section)]
    return "\n".join(lines) + "\n"


def markdown_row(row: AuditRow) -> str:
    """One row of a Markdown table."""
    question = row.question
    cells = [
        f"{question.asked} (`{question.row}`)",
        question.measured,
        in_words(row.measured) if row.why_not is None else row.why_not,
        str(row.limit or "none"),
        f"**{verdict_text(row)}**" if row.verdict is Verdict.FAIL else verdict_text(row),
        "; ".join(beside(row)),
    ]
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def audit_table(audit: Audit, sections: Mapping[str, str] = SECTIONS) -> str:
    """Plain columns for a terminal, a block a section."""
    width = max(len(row.question.asked) for row in audit.rows)
    lines: list[str] = []
    for section, title in sections.items():
        lines += ["", title]
        for row in rows_of(audit, section):
            value = in_words(row.measured) if row.why_not is None else "-"
            limit = str(row.limit or "no limit").replace(" (whole interval)", "*")
            lines.append(f"  {row.question.asked:<{width}}  {value:<25}  {limit:<19}  {verdict_text(row)}")
            if row.why_not:
                lines.append(f"      {row.why_not}")
            lines += textwrap.wrap(
                "; ".join(beside(row)), 110, initial_indent="      ", subsequent_indent="      ", break_on_hyphens=False
            )
    lines += ["", summary(audit), "~: the 95 % interval reaches over the limit; *: the whole interval must hold"]
    return "\n".join(lines).lstrip("\n")


def rests_on(record: dict[str, Any]) -> Iterator[str]:
    """What was audited, a line each."""
    yield from audited_lines(record)
    yield from decision_lines(record)
    yield f"cues fitted on {record['cues_fitted_on']} train radiographs; sizes {record['sizes']}"
    yield from verdict_lines(record)


def audited_lines(record: dict[str, Any]) -> Iterator[str]:
    """Which radiographs, and which model."""
    yield (
        f"{record['radiographs']} radiographs of {record['patients']} patients, {record['with_finding']} with the finding: "
        f"split `{record['split']}` of `{record['data']}`"
    )
    yield f"model.onnx SHA-256 `{record['bundle']['model_sha256']}`"


def decision_lines(record: dict[str, Any]) -> Iterator[str]:
    """Where a decision begins, and where lungs are."""
    point, masks = record["operating_point"], record["lung_masks"]
    yield f"decisions at `{point['name']}`, threshold {point['threshold']:.4f} on the calibrated probability"
    yield f"lung masks: {masks['source'] or 'none'}, of {masks['radiographs']} radiographs"


def verdict_lines(record: dict[str, Any]) -> Iterator[str]:
    """What the verdicts rest on, and whether the test split was opened for them."""
    interval = record["interval"]
    yield (
        f"intervals: {interval['method']} by {interval['unit']}, {interval['resamples']} resamples, seed {interval['seed']}"
    )
    yield f"limits: {record['limits']['file']}, SHA-256 `{record['limits']['sha256'][:12]}`"
    if opening := record.get("test_opening"):
        yield f"this run opened the test split ({opening['opened']}); the card records {opening['recorded_in_card']} openings"


def rows_of(audit: Audit, section: str) -> list[AuditRow]:
    """The rows of one section."""
    return [row for row in audit.rows if row.question.row.startswith(f"{section}.")]


def summary(audit: Audit) -> str:
    """The verdicts counted."""
    return ", ".join(f"{count} {verdict}" for verdict, count in audit.counts.items()) + "."


def verdict_text(row: AuditRow) -> str:
    """The verdict, a failure in capitals, marked where chance could turn it."""
    text = row.verdict.upper() if row.verdict is Verdict.FAIL else str(row.verdict)
    return text + "~" * (row.certain is False)


def beside(row: AuditRow) -> Iterator[str]:
    """What is measured beside the value."""
    for name, measured in row.also.items():
        yield f"{name} {in_words(measured)}"
    for name, fact in row.question.facts.items():
        yield f"{name} {fact:.3f}" if isinstance(fact, float) else f"{name} {fact}"


def in_words(measured: Measured) -> str:
    """A value and its interval."""
    if measured.value is None:
        return "not defined"
    if measured.low is None or measured.high is None:
        return rounded(measured.value)
    return f"{rounded(measured.value)} [{rounded(measured.low)}, {rounded(measured.high)}]"


def rounded(value: float) -> str:
    """Three places, and no zero with a sign."""
    return f"{round(value, 3) + 0.0:.3f}"
