"""Write the numbers of the documents from the files in `results/`: `python benchmarks/tables.py` (a test compares them).

Each block stands between `<!-- numbers: NAME -->` and `<!-- end -->` in a Markdown file; what writes it, in `blocks/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from blocks.activations import cached_training, same_views
from blocks.audits import audit, audit_verdicts
from blocks.claim import balanced_threshold, five_seeds, five_seeds_mean, twins
from blocks.finer_map import finer_map
from blocks.maps import map_agreement, map_gallery, quantised
from blocks.recipes import (
    ablation,
    ablation_differences,
    distillation,
    guidance,
    normalised_films,
    recipe_hours,
    several_sizes,
    validation_designs,
)
from blocks.serving import serving
from blocks.shipped_model import filters, parity, test_results
from blocks.speed import autograd_grad_cam, evaluation_speed, speed
from blocks.words import PROJECT

BLOCK = re.compile(r"(<!-- numbers: (?P<name>[a-z-]+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
BLOCKS: dict[str, Callable[[], str]] = {
    "test-results": test_results,
    "speed": speed,
    "parity": parity,
    "filters": filters,
    "recipe-hours": recipe_hours,
    "audit": audit,
    "audit-verdicts": audit_verdicts,
    "evaluation-speed": evaluation_speed,
    "cached-training": cached_training,
    "same-views": same_views,
    "validation-designs": validation_designs,
    "ablation": ablation,
    "ablation-differences": ablation_differences,
    "distillation": distillation,
    "several-sizes": several_sizes,
    "normalised-films": normalised_films,
    "guidance": guidance,
    "autograd-grad-cam": autograd_grad_cam,
    "finer-map": finer_map,
    "map-gallery": map_gallery,
    "quantised": quantised,
    "map-agreement": map_agreement,
    "serving": serving,
    "five-seeds": five_seeds,
    "five-seeds-mean": five_seeds_mean,
    "twins": twins,
    "balanced-threshold": balanced_threshold,
}


def rendered(text: str) -> str:
    """The document with every block written anew."""
    return BLOCK.sub(lambda found: found[1] + BLOCKS[found["name"]]() + found[4], text)


def documents() -> list[Path]:
    """Markdown files that hold numbers."""
    files = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("results/**/*.md")]
    return [path for path in files if BLOCK.search(path.read_text("utf-8"))]


def main() -> None:
    """Write all blocks."""
    for path in documents():
        path.write_text(rendered(path.read_text("utf-8")), encoding="utf-8")
        print(path.relative_to(PROJECT))


if __name__ == "__main__":
    main()
