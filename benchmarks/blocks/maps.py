"""Saliency maps: those that were looked at, how far they agree with occlusion, and what compressed graphs do to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from blocks.words import RUN, number, percent, read

STABLE = {
    "4 pixels of shift": "shift",
    "noise": "noise",
    "JPEG 90": "jpeg-90",
    "JPEG 60": "jpeg-60",
}
"""Rows of the explanation audit that keep the map where it was, in words."""


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
    return "\n".join([*rows, "", *in_all(found["of"], of_all)]) + "\n"


def in_all(of: dict[str, int], of_all: dict[str, Any]) -> list[str]:
    """What holds of the whole validation part, in sentences."""
    hottest, alike = of_all["share_of_hottest_places"], of_all["likeness_to_the_mean_map"]
    places = [(row, column) for row, line in enumerate(hottest) for column, share in enumerate(line) if share > 0]
    rows, columns = ([place[axis] + 1 for place in places] for axis in (0, 1))
    right, wrong = (of_all[f"evidence_for_inside_lungs_where_{which}"] for which in ("right", "wrong"))
    in_wrong = "of wrong ones there are none" if wrong is None else f"{100 * wrong:.0f} % in wrong ones"
    groups = ", ".join(f"{count} {name}" for name, count in of.items())
    return [
        f"Of all {of_all['radiographs']} validation radiographs ({groups}):",
        "",
        (
            f"- in positive decisions {100 * of_all['evidence_for_inside_lungs']:.0f} % of the evidence for pneumonia lies inside"
            " the lungs, as the bundle estimates"
        ),
        (
            f"  them ({100 * right:.0f} % in right ones, {in_wrong}); in negative ones"
            f" {100 * of_all['evidence_against_outside_lungs']:.0f} % of the evidence against lies outside;"
        ),
        (
            f"- the hottest place of a positive decision is one of {len(places)} of {len(hottest) * len(hottest[0])}, in rows"
            f" {min(rows)} to {max(rows)} and columns {min(columns)} to {max(columns)} of {len(hottest)};"
        ),
        (
            f"- in {100 * of_all['both_lungs_alike']:.0f} % of the positive decisions both lungs speak for pneumonia, and neither"
            " carries 1.6 times the evidence of the other;"
        ),
        (
            f"- a map correlates with the mean of the other maps of its decision by {alike['PNEUMONIA']:.2f} (positive) and"
            f" {alike['NORMAL']:.2f} (negative)."
        ),
    ]


def map_agreement() -> str:
    """How far maps move with what happens to films, agree with occlusion, and find what was planted."""
    content = read(f"{RUN}/explanation-validation/explanation.json")
    rows = {row["row"]: row for row in content["rows"]}
    occlusion, hit, chance = (rows[name] for name in ("agreement.occlusion", "planted.hit", "planted.times-chance"))
    own = "what the covered place itself loses, ranks"
    summary = content["summary"]
    lines = [
        (
            f"{summary['pass']} rows pass, {summary['fail']} fail:"
            f" {', '.join(f'`{name}`' for name, row in rows.items() if row['verdict'] == 'fail')}."
        ),
        "",
        "| | ranks | values | top places | decisions that turn |",
        "|---|---|---|---|---|",
        *(stable(words, rows[f"stability.{name}"]) for words, name in STABLE.items()),
        (
            f"| map and occlusion: how far the *answer* falls | {number(occlusion)}"
            f" | {number(occlusion['also']['correlation of the values'])}"
            f" | {number(occlusion['also']['top places that are shared'])} | |"
        ),
        (
            f"| map and what the covered place *itself* loses | {number(occlusion['also'][own])}"
            f" | {number(occlusion['also']['its values'])} | | |"
        ),
        "",
        (
            f"Of all change by covering a place, {percent(occlusion['also']['change that lies farther than the neighbours'])}"
            " lies farther away than its neighbours."
        ),
        (
            f"The hottest added place lies in the planted opacity in {percent(hit)} of the films, and the evidence in it is"
            f" {number(chance, 1)} times"
        ),
        (
            f"chance; the added evidence lies {number(hit['also']['below of it, px'], 1)} of 224 pixels below"
            f" and {number(hit['also']['right of it, px'], 1)} right of it."
        ),
    ]
    return "\n".join(lines) + "\n"


def stable(words: str, row: dict[str, Any]) -> str:
    """What one change of the films does to maps and decisions."""
    also = row["also"]
    cells = [row, also["correlation of the values"], also["top places that stay"]]
    return (
        f"| map before and after {words} | {' | '.join(map(number, cells))} | {percent(also['decisions that turn'])} |"
    )


def quantised() -> str:
    """Compressed copies of the shipped network at the gate."""
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
