"""What the documents and the card say of the shipped lung segmentation is what was measured."""

import hashlib
import json
from pathlib import Path

PROJECT = Path(__file__).parents[3]
MEASURED = json.loads((PROJECT / "results/lung-segmentation.json").read_text("utf-8"))
DOCUMENT = (PROJECT / "docs/reference/lung-segmentation.md").read_text("utf-8")


def interval(value: dict) -> str:
    return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def overlap_table() -> str:
    validation = MEASURED["validation"]
    lines = [
        f"| {validation['radiographs']} radiographs of {validation['patients']} patients | intersection over union | Dice |",
        "|---|---|---|",
    ]
    overlap, dice = validation["intersection_over_union"], validation["dice"]
    lines += [f"| {group} | {interval(overlap[group])} | {interval(dice[group])} |" for group in overlap]
    worst = validation["worst_twentieth_below"]
    lines.append(f"| the worst twentieth is below | {worst['intersection_over_union']:.3f} | {worst['dice']:.3f} |")
    return "\n".join(lines)


def gate_table() -> str:
    rows = {"validation radiographs": MEASURED["gate"]["radiographs"], **MEASURED["gate"]["negatives"]}
    lines = ["| pictures | | refused | passed with a warning |", "|---|---|---|---|"]
    for name, counts in rows.items():
        lines.append(f"| {name} | {counts['pictures']} | {counts['refused']} | {counts['warned']} |")
    return "\n".join(lines)


def test_the_document_holds_the_measured_overlap():
    assert overlap_table() in DOCUMENT


def test_the_document_holds_what_the_gate_does():
    assert gate_table() in DOCUMENT


def test_no_validation_radiograph_is_refused():
    assert MEASURED["gate"]["radiographs"]["refused"] == 0


def test_the_measurement_is_of_the_graph_that_ships(shipped_bundle):
    assert MEASURED["graph_sha256"] == hashlib.sha256(shipped_bundle.lungs).hexdigest()
    assert MEASURED["validation"] == shipped_bundle.card.lungs.metrics["validation"]
    assert MEASURED["limits"]["least_area_share"] == shipped_bundle.card.lungs.least_area_share
