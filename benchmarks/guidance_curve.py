"""The trade of lung guidance, drawn from short trainings: `python benchmarks/guidance_curve.py`.

Its weight against validation AUROC and against the share of positive evidence inside the lungs. Measured by
`ablation.py --base benchmarks/guidance-base.toml`, before what is said without lungs was penalised.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from pneumoscope.figures.save import save_figure
from pneumoscope.figures.style import SERIES, blank_figure, figure_style

PROJECT = Path(__file__).parents[1]
BASE = PROJECT / "benchmarks/guidance-base.toml"
KEY = "stages.lung_guidance"
PANELS = (
    ("auroc", "AUROC (atypical normals)"),
    ("heat_in_lungs_with_finding", "Evidence inside the lungs"),
    ("share_with_finding_without_evidence", "Pneumonias without any evidence"),
)


LIMITS = {
    "auroc": (0.95, 1.0),
    "heat_in_lungs_with_finding": (0.0, 1.0),
    "share_with_finding_without_evidence": (0.0, 1.0),
}


def points(found: dict[str, Any]) -> list[tuple[float, dict[str, Any]]]:
    """Weight and what was measured with it, for each seed, from the base and the variants that change only the weight."""
    base = tomllib.loads(BASE.read_text("utf-8"))["stages"][0]["lung_guidance"]
    rows = []
    for variant in found["variants"].values():
        if set(variant["set"]) <= {KEY}:
            rows += [(variant["set"].get(KEY, base), measured) for measured in variant["seeds"].values()]
    return sorted(rows, key=lambda row: row[0])


def main() -> None:
    """Read the measurements, write the figure."""
    rows = points(json.loads((PROJECT / "results/guidance.json").read_text("utf-8")))
    weights = sorted({weight for weight, _ in rows})
    with figure_style():
        figure = blank_figure(
            title="What lung guidance costs and gives",
            caption="Each dot one short training (7 epochs at 160 px); results/guidance.json",
            height_inches=3.6,
        )
        for number, (key, title) in enumerate(PANELS):
            axes = figure.add_subplot(1, len(PANELS), number + 1)
            places = [weights.index(weight) for weight, _ in rows]
            axes.plot(
                places,
                [float("nan") if measured[key] is None else measured[key] for _, measured in rows],
                "o-",
                color=SERIES[number].color,
            )
            axes.set_xticks(range(len(weights)), [f"{weight:g}" for weight in weights])
            axes.set_ylim(LIMITS[key])
            axes.set_xlabel("weight of the guidance")
            axes.set_title(title)
    save_figure(figure, PROJECT / "docs/pictures/guidance-curve.png")


if __name__ == "__main__":
    main()
