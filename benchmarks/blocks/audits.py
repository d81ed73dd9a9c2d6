"""The verdicts of the shortcut audit on the shipped bundle."""

from __future__ import annotations

from typing import Any

from blocks.words import RUN, number, read


def audit() -> str:
    """The verdicts on the shipped bundle, on the validation part and on the official test."""
    parts = {name: read(f"{RUN}/audit-{name}/audit.json") for name in ("validation", "test")}
    found = {name: {row["row"]: row for row in part["rows"]} for name, part in parts.items()}
    openings = parts["test"]["test_opening"]["recorded_in_card"]
    rows = [
        (f"Verdicts on the shipped bundle ({', '.join(f'{name}: {verdicts(part)}' for name, part in parts.items())};"),
        (
            "[all of validation](../../results/efficientnet-lite0-seed0/audit-validation/audit.md), lung masks given;"
            " [all of the test](../../results/efficientnet-lite0-seed0/audit-test/audit.md),"
        ),
        f"lung masks estimated; it was opening {openings} of the test, to measure only). The rows that need films larger than",
        (
            "224 px were measured on [100 originals of train](../../results/efficientnet-lite0-seed0/audit-originals/audit.md),"
            f" most of which the model has learnt from: {small_copies()}."
        ),
        "",
        "| row | validation | | test | |",
        "|---|---|---|---|---|",
    ]
    for name in found["validation"]:
        cells = [f"{measured(found[part][name])} | {found[part][name]['verdict']}" for part in parts]
        rows.append(f"| `{name}` | {cells[0]} | {cells[1]} |")
    return "\n".join(rows) + "\n"


def small_copies() -> str:
    """What resizing an original with other filters does, on films that the model knows."""
    found = {row["row"]: row for row in read(f"{RUN}/audit-originals/audit.json")["rows"]}
    return ", ".join(
        f"{name} {found[f'appearance.small-copy-{name}']['value']:.3f} ({found[f'appearance.small-copy-{name}']['verdict']})"
        for name in ("bilinear", "lanczos")
    )


def audit_verdicts() -> str:
    """How many rows of the audit pass."""
    parts = {name: read(f"{RUN}/audit-{name}/audit.json") for name in ("validation", "test")}
    told = [f"{verdicts(part)} on {'the ' if name == 'test' else ''}{name}" for name, part in parts.items()]
    return f"  Of the shipped model's rows {' and '.join(told)}.\n"


def verdicts(part: dict[str, Any]) -> str:
    """How many rows passed and failed."""
    return f"{part['summary']['pass']} pass, {part['summary']['fail']} fail"


def measured(row: dict[str, Any]) -> str:
    """A value with its interval, or a dash."""
    return "-" if row["value"] is None else number(row)
