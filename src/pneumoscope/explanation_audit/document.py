"""The explanation audit in writing: `explanation.json`, `explanation.md`, and a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pneumoscope.audit.audit import Audit
from pneumoscope.audit.document import (
    DISCLAIMER,
    audit_json,
    audit_table,
    audited_lines,
    decision_lines,
    markdown_of,
    verdict_lines,
)
from pneumoscope.explanation_audit.question import SECTIONS


def explanation_json(audit: Audit) -> str:
    """Everything, with full precision."""
    return audit_json(audit)


def explanation_markdown(audit: Audit) -> str:
    """A table a section, what was measured beside each row, and what it all rests on."""
    bundle = audit.record["bundle"]
    heading = f"# Explanation audit of {bundle['name']} {bundle['version']}"
    written = "Written by `pneumoscope explain-audit`; the same numbers stand in `explanation.json`."
    return markdown_of(audit, SECTIONS, [heading, "", f"{DISCLAIMER} {written}"], rests_on(audit.record))


def explanation_table(audit: Audit) -> str:
    """Plain columns for a terminal, a block a section."""
    return audit_table(audit, SECTIONS)


def rests_on(record: dict[str, Any]) -> Iterator[str]:
    """What was audited, a line each."""
    rows, columns = record["saliency"]["map"]
    yield from audited_lines(record)
    if other := record["against"]:
        yield f"against {other['name']} {other['version']}, model.onnx SHA-256 `{other['model_sha256']}`"
    yield f"map: {record['saliency']['method']}, {rows} x {columns}"
    yield from decision_lines(record)
    yield f"mean map of {record['lung_masks']['usual_map_of']} train radiographs with the finding"
    if boxes := record["boxes"]:
        yield f"boxes: {len(boxes)}, of {len({box['path'] for box in boxes})} radiographs"
    if unmatched := record["boxes_of_no_radiograph"]:
        yield f"boxes left out, since no radiograph of the split has their path: {unmatched}"
    yield from verdict_lines(record)
    if seconds := record.get("seconds"):
        yield f"time: {seconds:.0f} seconds"
