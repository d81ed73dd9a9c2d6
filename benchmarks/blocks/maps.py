"""Saliency maps: those that were looked at, how far they agree with occlusion, and what compressed graphs do to them."""

from __future__ import annotations

from pathlib import Path

from blocks.words import RUN, number, percent, read


def map_gallery() -> str:
    """The thirty maps that were looked at, in numbers."""
    found = read("results/map-gallery.json")
    of_all = found["all"]
    rows = [
        "| | file | label | probability | evidence for | against | right lung | left lung | outside | of that for, in the lungs | agreement with occlusion |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in found["radiographs"]:
        label = f"{one['label']} {one['subtype']}".strip()
        inside = one["heat_inside_lungs"] if one["speaks_for"] >= 0.005 else None
        rows.append(
            f"| {one['number']} | `{Path(one['path']).name}` | {label} | {one['probability']:.3f} | {one['speaks_for']:.2f}"
            f" | {one['speaks_against']:.2f} | {one['right_lung']:+.2f} | {one['left_lung']:+.2f} | {one['outside']:+.2f}"
            f" | {'-' if inside is None else f'{100 * inside:.0f} %'} | {one['agreement_with_occlusion']:+.2f} |"
        )
    rows += [
        "",
        (
            f"Of all {of_all['radiographs']} validation radiographs: in positive decisions"
            f" {100 * of_all['evidence_for_inside_lungs']:.0f} % of the evidence for pneumonia lies inside the lungs"
        ),
        (
            f"(as the bundle estimates them); in negative ones {100 * of_all['evidence_against_outside_lungs']:.0f} % of the"
            " evidence against lies outside of them."
        ),
    ]
    return "\n".join(rows) + "\n"


def map_agreement() -> str:
    """Why occlusion and map disagree, and what JPEG 60 does."""
    found = read(f"{RUN}/explanation-validation-agreement/explanation.json")["rows"]
    rows = {row["row"]: row for row in found}
    jpeg, occlusion = rows["stability.jpeg-60"], rows["agreement.occlusion"]
    own = "what the covered place itself loses, ranks"
    lines = [
        "| | ranks | values | top places |",
        "|---|---|---|---|",
        (
            f"| map before and after JPEG 60 | {number(jpeg)} | {number(jpeg['also']['correlation of the values'])}"
            f" | {number(jpeg['also']['top places that stay'])} |"
        ),
        (
            f"| map and occlusion: how far the *answer* falls | {number(occlusion)}"
            f" | {number(occlusion['also']['correlation of the values'])}"
            f" | {number(occlusion['also']['top places that are shared'])} |"
        ),
        (
            f"| map and what the covered place *itself* loses | {number(occlusion['also'][own])}"
            f" | {number(occlusion['also']['its values'])} | |"
        ),
        "",
        (
            f"Of all change by covering a place, {percent(occlusion['also']['change that lies farther than the neighbours'])}"
            " lies farther away than its neighbours."
        ),
    ]
    return "\n".join(lines) + "\n"


def quantised() -> str:
    """Compressed copies of the shipped graph at the gate."""
    found = read("results/quantised.json")
    rows = [
        "| copy | size | speed | correlation of the maps | hottest place stays | decisions that change | gate |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in found["compressed"].items():
        gate, answers = one["gate"], one["answers"]
        changed = ", ".join(f"{count} at `{point}`" for point, count in answers["decisions_changed"].items())
        rows.append(
            f"| `{name}` | {one['bytes'] / 1e6:.1f} of {found['bytes'] / 1e6:.1f} MB | {one['times_faster']:.1f} times as fast"
            f" | {number(gate['against.correlation'], 4)} | {percent(gate['against.hottest-cell'])}"
            f" | {changed} | {'passes' if one['passes_the_gate'] else 'fails'} |"
        )
    rows += [
        "",
        (
            f"On {found['measured_on']['radiographs']} validation radiographs, calibrated on"
            f" {found['calibrated_on']['radiographs']} of `train`; speed of one pass on one thread, in turns with the original,"
        ),
        "on a machine that was doing other work ([all numbers](../../results/quantised.json)).",
    ]
    return "\n".join(rows) + "\n"
