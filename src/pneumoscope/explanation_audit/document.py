"""The explanation audit in writing: `explanation.json`, `explanation.md`, and a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pneumoscope.audit.audit import Audit
from pneumoscope.audit.document import DISCLAIMER, audit_json, audit_table, markdown_of
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
    point, masks, interval = record["operating_point"], record["lung_masks"], record["interval"]
    rows, columns = record["saliency"]["map"]
    yield (
        f"{record['radiographs']} radiographs of {record['patients']} patients, {record['with_finding']} with the finding: "
        f"split `{record['split']}` of `{record['data']}`"
    )
    yield f"model.onnx SHA-256 `{record['bundle']['model_sha256']}`"
    if other := record["against"]:
        yield f"against {other['name']} {other['version']}, model.onnx SHA-256 `{other['model_sha256']}`"
    yield f"map: {record['saliency']['method']}, {rows} x {columns}"
    yield f"decisions at `{point['name']}`, threshold {point['threshold']:.4f} on the calibrated probability"
    yield f"lung masks: {masks['source'] or 'none'}, of {masks['radiographs']} radiographs"
    yield f"mean map of {masks['usual_map_of']} train radiographs with the finding"
    if boxes := record["boxes"]:
        yield f"boxes: {len(boxes)}, of {len({box['path'] for box in boxes})} radiographs"
    if unmatched := record["boxes_of_no_radiograph"]:
        yield f"boxes left out, since no radiograph of the split has their path: {unmatched}"
    yield (
        f"intervals: {interval['method']} by {interval['unit']}, {interval['resamples']} resamples, seed {interval['seed']}"
    )
    yield f"limits: {record['limits']['file']}, SHA-256 `{record['limits']['sha256'][:12]}`"
    if opening := record.get("test_opening"):
        yield f"this run opened the test split ({opening['opened']}); the card records {opening['recorded_in_card']} openings"
    if seconds := record.get("seconds"):
        yield f"time: {seconds:.0f} seconds"
