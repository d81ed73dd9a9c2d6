"""The tables of docs/explanation/the-map.md about the finer map, from results/finer-map.json."""

from __future__ import annotations

from typing import Any

from blocks.words import number, read

ARMS = {
    "stride-32": "7 x 7, as published",
    "stride-32-centred": "7 x 7, centred",
    "stride-16": "14 x 14",
    "stride-16-centred": "14 x 14, centred",
}
PAIRED = "stride-16-centred less stride-16-centred-summed"
ROWS = (
    ("AUROC", "auroc", 4),
    ("evidence inside the lungs", "lungs/energy/map", 3),
    ("hottest place in the lungs", "lungs/pointing/map", 3),
    ("usual opacity: hottest place in it", "planted/usual/hit", 3),
    ("usual opacity: evidence in it, times chance", "planted/usual/times-chance", 2),
    ("small opacity: hottest place in it", "planted/small/hit", 3),
    ("small opacity: evidence in it, times chance", "planted/small/times-chance", 2),
    ("small opacity: overlap with the hot region", "planted/small/overlap", 3),
    ("small opacity: evidence spread over, px", "planted/small/spread-px", 0),
    ("small spread less than lobe", "planted/told-from-lobe", 3),
    ("evidence lies below the usual opacity, px", "planted/usual/below-px", 1),
    ("evidence lies right of the usual opacity, px", "planted/usual/right-px", 1),
    ("deletion, blurred: better than random", "deletion/blur/better-than-random", 3),
    ("deletion, lungs' gray: better than random", "deletion/lung-mean/better-than-random", 3),
    ("insertion, blurred: better than random", "insertion/blur/better-than-random", 3),
    ("insertion, lungs' gray: better than random", "insertion/lung-mean/better-than-random", 3),
    ("stability to shifts, ranks", "stability/shift/ranks", 3),
    ("stability to JPEG 60, ranks", "stability/jpeg-60/ranks", 3),
)


def finer_map() -> str:
    """A table for each set of weights, then what the map costs."""
    found = read("results/finer-map.json")
    return (
        "\n".join([*(line for label in found["weights"] for line in table(found, label)), *cost(found["cost"])]) + "\n"
    )


def table(found: dict[str, Any], label: str) -> list[str]:
    """Rows of one set of weights; the last column is paired: the finer map less the same map added up two by two."""
    arms, validation = found["weights"][label], found["validation"]
    films = f"{validation['radiographs']} validation radiographs, {validation['with_finding']} with pneumonia"
    lines = [
        f"**{label} weights**, {films}:",
        "",
        f"| | {' | '.join(ARMS.values())} | 14 x 14 less its 7 x 7 |",
        "|---|---|---|---|---|---|",
    ]
    for words, name, digits in ROWS:
        cells = [number(arms[arm][name], digits) for arm in (*ARMS, PAIRED)]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return [*lines, ""]


def cost(found: dict[str, Any]) -> list[str]:
    """In a sentence."""
    before, after = (found["processor_milliseconds_a_picture"][arm] for arm in ("stride-32", "stride-16-centred"))
    size = found["graph_megabytes"]["stride-16-centred"]
    return [
        f"One radiograph takes {after:.1f} ms of one core instead of {before:.1f} ms, a training step",
        f"{found['training_step_times_stride_32']:.1f} times as long; stored in fp16 the graph has {size:.1f} MB either way.",
    ]
