"""Teachers: finished trainings, whose answers a network learns from beside the labels.

Distillation of several networks into one (Hinton 2015, arXiv:1503.02531), where each teacher looks at the very picture
that is learnt from, as it was augmented (Beyer 2022, arXiv:2106.05237): a crop that has lost the opacity is no sure
pneumonia any more. A teacher answers only for patients that it has not learnt from, as in cross-fitting (Chernozhukov
2018, doi:10.1111/ectj.12097), since of the others it merely repeats the label.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pneumoscope.dataset.manifest import ManifestRow, Split, in_split, read_manifest
from pneumoscope.errors import UnusableOption
from pneumoscope.model.classifier import Classifier
from pneumoscope.model.trained import trained_classifier
from pneumoscope.training.augmentation import PictureBatch
from pneumoscope.training.compute import Compute
from pneumoscope.training.recipe import Recipe
from pneumoscope.training.run_files import MANIFEST_FILE, SETTINGS_FILE, WEIGHTS_FILE


@dataclass(frozen=True, slots=True, eq=False)
class Teachers:
    """Networks, evaluating, and which radiographs of the training part each has not seen the patient of.

    `digests` are the SHA-256 of their weights.
    """

    models: tuple[Classifier, ...]
    unseen: Bool[np.ndarray, "teachers radiographs"]
    digests: tuple[str, ...]

    @torch.no_grad()
    def answers(self, pictures: PictureBatch, chosen: np.ndarray) -> Float[Tensor, " batch"]:
        """Probability of pneumonia by the mean logit of the teachers that may answer; nan where none may.

        `chosen` are the radiographs' places in the training part, `pictures` what augmentation has made of them.
        """
        logits = torch.zeros(len(chosen), device=pictures.device)
        count = torch.zeros_like(logits)
        for model, unseen in zip(self.models, self.unseen, strict=True):
            may = torch.from_numpy(np.flatnonzero(unseen[chosen])).to(pictures.device)
            if len(may):
                asked = pictures[may].contiguous(memory_format=torch.channels_last)
                logits[may] += model(asked).logit.float()
                count[may] += 1
        return torch.sigmoid(logits / count)


def taught(target: Float[Tensor, " batch"], answers: Float[Tensor, " batch"], share: float) -> Float[Tensor, " batch"]:
    """Right answers of which the teachers give `share`; the label's own where no teacher may answer."""
    return torch.where(answers.isnan(), target, (1 - share) * target + share * answers)


def check_teachers(recipe: Recipe, folders: Sequence[Path]) -> None:
    """`UnusableOption` where there are teachers nobody listens to, or a recipe that wants some and gets none."""
    if bool(folders) == (recipe.teachers_share > 0):
        return
    raise UnusableOption(
        "teachers-and-share",
        f"--teacher was given {len(folders)} times, and teachers_share of the recipe is {recipe.teachers_share:g}.",
        remedy="Give --teacher RUN for each teacher and --set teachers_share=0.5, or neither.",
    )


def teachers_of(folders: Sequence[Path], rows: Sequence[ManifestRow], compute: Compute) -> Teachers | None:
    """The networks of finished run folders, for the radiographs of a training part; None where there are none.

    `UnusableOption` where a folder holds no finished run, or its run has learnt from every patient of the part.
    """
    if not folders:
        return None
    models, unseen = [], []
    for folder in folders:
        model, learnt = teacher_of(folder)
        compute.place(model)
        models.append(model)
        unseen.append(np.array([row.patient not in learnt for row in rows]))
        if not unseen[-1].any():
            raise UnusableOption(
                "teacher-has-seen-all",
                f"The run in {folder} has learnt from every patient that is to be learnt from here.",
                remedy="Train teachers on parts of the radiographs (--set validation_design=folds "
                "--set validation_share=0.5, once with each --seed), so that each has some left to answer for.",
            )
    return Teachers(tuple(models), np.stack(unseen), digests_of(folders))


def digests_of(folders: Sequence[Path]) -> tuple[str, ...]:
    """SHA-256 of each teacher's weights; `UnusableOption` where a run has none."""
    try:
        return tuple(hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest() for folder in folders)
    except OSError as error:
        raise incomplete(error) from error


def teacher_of(folder: Path) -> tuple[Classifier, frozenset[str]]:
    """The network of a finished run folder, and the patients that it has learnt from."""
    try:
        recipe = json.loads((folder / SETTINGS_FILE).read_text("utf-8"))["recipe"]
        architecture = {key: recipe[key] for key in ("backbone", "head", "map_centred")}
        stride = recipe["trained_map_stride"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise incomplete(error) from error
    model = trained_classifier(folder / WEIGHTS_FILE, **architecture, map_stride=stride)
    learnt = in_split(read_manifest(folder / MANIFEST_FILE), Split.TRAIN)
    return model, frozenset(row.patient for row in learnt)


def incomplete(error: Exception) -> UnusableOption:
    """The error for a folder that lacks what a finished run has."""
    return UnusableOption(
        "teacher-incomplete",
        f"A --teacher is no finished run: {error}.",
        remedy=f"Give a run folder of `pneumoscope train` with {SETTINGS_FILE}, {MANIFEST_FILE} and {WEIGHTS_FILE}.",
    )
