"""The rows of the explanation audit, by name, and the sections that they stand in."""

from __future__ import annotations

from pneumoscope.explanation_audit.agreement import METHODS
from pneumoscope.explanation_audit.boxes import MEASURES
from pneumoscope.explanation_audit.faithfulness import BASELINES, GAMES
from pneumoscope.explanation_audit.randomized import STAGES
from pneumoscope.explanation_audit.stability import CHANGES

RIVALS = ("random", "centre", "usual")
"""What a map is set beside: a random one, a prior about the middle, the mean map of `train` radiographs."""

SECTIONS = {
    "adds-up": "Does the map add up to the logit?",
    "lungs": "Is the evidence inside the lungs?",
    "deletion": "Does the answer go when the hottest pixels go?",
    "insertion": "Does the answer come when the hottest pixels come?",
    "sanity": "Does the map change when what was learnt is shuffled?",
    "stability": "Does the map stay where a reader sees the same film?",
    "agreement": "Do methods that look at answers only point to the same places?",
    "planted": "Is an opacity that was planted found where it was planted?",
    "boxes": "Is the evidence where readers drew boxes?",
    "against": "Does another bundle, such as a compressed one, show the same maps?",
}

ROWS = (
    "adds-up.largest-difference",
    "lungs.energy",
    *(f"lungs.energy-less-{rival}" for rival in RIVALS),
    "lungs.pointing",
    *(f"lungs.pointing-less-{rival}" for rival in RIVALS),
    *(f"{game}.{baseline}-{rival}" for game in GAMES for baseline in BASELINES for rival in RIVALS[:2]),
    *(f"sanity.{stage}" for stage in STAGES),
    *(f"stability.{change}" for change in CHANGES),
    *(f"agreement.{method}" for method in METHODS),
    "planted.logit",
    "planted.hit",
    "planted.times-chance",
    *(f"boxes.{measure}" for measure in MEASURES),
    "against.correlation",
    "against.hottest-cell",
)
"""Every row that there is, as `SECTION.NAME`: what a limits file may name."""
