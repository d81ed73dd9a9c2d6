"""Why rows of the explanation audit cannot be measured: something was not given, or no radiograph is of the kind they ask."""

from __future__ import annotations

from pneumoscope.audit.lungs import LungMasks, MaskFolder
from pneumoscope.explanation_audit.observation import Observations, Task
from pneumoscope.explanation_audit.question import SECTIONS

NOT_WANTED = "not asked for (--only)"
WITHOUT_ONNX = "the package onnx is not installed: pip install '.[explain]' in a copy of the repository"
WITHOUT_MASKS = "no lung masks, and no lung segmentation in the bundle"
NEED_FINDING = ("lungs", "deletion", "insertion", "agreement")
NEED_NORMAL = ("planted",)


def why_not(task: Task, observations: Observations, *, with_shuffled: bool) -> dict[str, str]:
    """Reasons by section or row; a row's own comes before that of its section, and none counts where there is a value."""
    labels = observations.labels
    reasons: dict[str, str] = {}
    if not labels.any():
        reasons |= dict.fromkeys(NEED_FINDING, "no radiograph with the finding among those that are audited")
    if labels.all():
        reasons |= dict.fromkeys(NEED_NORMAL, "no radiograph without the finding among those that are audited")
    if masks := why_no_masks(task.masks, observations):
        reasons |= dict.fromkeys(("lungs", "planted"), masks)
        for game in ("deletion", "insertion"):
            reasons |= {f"{game}.lung-mean-{rival}": masks for rival in ("random", "centre")}
    if task.usual_map is None:
        missing = "no train rows with the finding to make a mean map of"
        reasons |= {f"lungs.{measure}-less-usual": missing for measure in ("energy", "pointing")}
    if not with_shuffled:
        reasons["sanity"] = WITHOUT_ONNX
    reasons["against"] = "no other bundle to compare with (--against)"
    if task.against is not None:
        reasons["against"] = "none of these radiographs is decided PNEUMONIA"
    reasons["boxes"] = "no boxes (--boxes)" if not task.boxes else "no audited radiograph has a box"
    return only_wanted(reasons, task)


def why_no_masks(masks: LungMasks | None, observations: Observations) -> str | None:
    """Why no row that needs lungs can be measured, if so."""
    if masks is None:
        return WITHOUT_MASKS
    if observations.with_lungs:
        return None
    if isinstance(masks, MaskFolder):
        return f"no lung mask for any of these radiographs in {masks.folder.resolve().name}"
    return "the bundle's lung segmentation finds no lungs in any of these radiographs"


def only_wanted(reasons: dict[str, str], task: Task) -> dict[str, str]:
    """Of sections that were not asked for that is all there is to say."""
    unwanted = [section for section in SECTIONS if section not in task.sections]
    kept = {name: reason for name, reason in reasons.items() if name.partition(".")[0] not in unwanted}
    return kept | dict.fromkeys(unwanted, NOT_WANTED)
