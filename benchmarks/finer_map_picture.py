"""One radiograph with its map at stride 32 and at 16, side by side: the picture of docs/explanation/the-map.md.

`python benchmarks/finer_map_picture.py --radiograph FILE --weights FILE --output FILE.png`

Left the radiograph, in the middle the map at stride 32, right that at stride 16, of the same weights. As in a bundle, colours end at a high quantile of the positive evidence of a place, here that of the
example radiographs with pneumonia, for each map its own: a place of the finer map holds about a quarter.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pneumoscope.arrays import GrayPicture, SaliencyMap
from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.explanation.color_key import BACKGROUND, TEXT
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.heat_map import blended
from pneumoscope.explanation.lettering import lettered
from pneumoscope.model.classifier import Classifier
from pneumoscope.model.trained import trained_classifier
from pneumoscope.radiograph.reading import read_radiograph
from pneumoscope.training.finish import colour_scale

PROJECT = Path(__file__).parents[1]
PANEL_PX = 480
TEXT_PX = 17
GAP_PX = 12


def map_of(model: Classifier, gray: GrayPicture) -> tuple[float, SaliencyMap]:
    """Logit and map of one radiograph."""
    batch = torch.from_numpy(open_bundle().card.preprocessing(gray)[np.newaxis])
    with torch.inference_mode():
        found = model(batch)
    return float(found.logit), found.saliency_map[0].numpy()


def side_by_side(panels: list[tuple[str, Image.Image]]) -> Image.Image:
    """Panels of one height in a row, the words above each."""
    width = sum(picture.width for _, picture in panels) + GAP_PX * (len(panels) + 1)
    top = 2 * TEXT_PX + GAP_PX
    sheet = Image.new("RGB", (width, panels[0][1].height + top + GAP_PX), BACKGROUND)
    left = GAP_PX
    for words, picture in panels:
        sheet.paste(TEXT, (left, GAP_PX), lettered(words, TEXT_PX))
        sheet.paste(picture, (left, top))
        left += picture.width + GAP_PX
    return sheet


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("radiograph", "weights", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    gray = read_radiograph(options.radiograph).gray
    examples = [read_radiograph(path).gray for path in sorted((PROJECT / "examples/radiographs/PNEUMONIA").glob("*"))]
    smaller = Image.fromarray(gray)
    smaller.thumbnail((PANEL_PX, PANEL_PX))
    shown = np.asarray(smaller)
    panels = [("radiograph", smaller.convert("RGB"))]
    for stride in (32, 16):
        model = trained_classifier(options.weights, map_stride=stride)
        logit, found = map_of(model, gray)
        scale = colour_scale(np.stack([map_of(model, example)[1] for example in examples]))
        coloring = Coloring(scale_logit=scale)
        side = len(found)
        words = f"{side} x {side} places, logit {logit:+.1f}, red from {scale:.2g}"
        panels.append((words, blended(shown, found, coloring)))
    side_by_side(panels).save(options.output, optimize=True)


if __name__ == "__main__":
    main()
