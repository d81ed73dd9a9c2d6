"""Phantoms with planted opacities, and a tiny network that learns to tell them: a truth about maps that needs no data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from pneumoscope.explanation_audit.planted import Opacity, opacity_in, with_opacity
from pneumoscope.model.classifier import LinearHeadClassifier
from pneumoscope.model.tiny import Tiny
from support.phantom import chest_phantom

SIZE_PX = 192
BATCH = 32


@dataclass(frozen=True)
class PlantedFilms:
    """Gray pictures; every second one has an opacity, the others None."""

    grays: np.ndarray
    opacities: list[Opacity | None]

    @property
    def labels(self) -> np.ndarray:
        return np.array([opacity is not None for opacity in self.opacities])


def phantom_lungs(size_px: int = SIZE_PX) -> np.ndarray:
    """Where the phantom's lungs are, whatever it is moved by."""
    y, x = np.mgrid[-1 : 1 : size_px * 1j, -1 : 1 : size_px * 1j]
    return ((np.abs(x) - 0.42) / 0.24) ** 2 + ((y + 0.08) / 0.6) ** 2 < 1


def planted_films(count: int, generator: np.random.Generator, size_px: int = SIZE_PX) -> PlantedFilms:
    """`count` phantoms, mirrored at random, so that no side of an opacity tells more; half of them with one in the lungs."""
    lungs = phantom_lungs(size_px)
    grays, opacities = [], []
    for number in range(count):
        turn = (slice(None, None, generator.choice((-1, 1))), slice(None, None, generator.choice((-1, 1))))
        gray = chest_phantom(size_px, size_px, generator)[turn].copy()
        opacity = opacity_in(lungs[turn], generator) if number % 2 else None
        grays.append(gray if opacity is None else with_opacity(gray, opacity))
        opacities.append(opacity)
    return PlantedFilms(np.stack(grays), opacities)


def trained_tiny(films: PlantedFilms, labels: np.ndarray, *, epochs: int = 8, seed: int = 0) -> LinearHeadClassifier:
    """The network of the recipe `tiny`, in evaluation, after some epochs on these labels: its own, or shuffled ones."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LinearHeadClassifier(Tiny())
        optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.02)
        steps = epochs * -(-len(labels) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=steps)
        pictures = torch.from_numpy(films.grays[:, np.newaxis] / np.float32(255))
        wanted = torch.from_numpy(labels.astype(np.float32))
        model.train()
        for _ in range(epochs):
            for batch in torch.randperm(len(pictures)).split(BATCH):
                optimizer.zero_grad()
                nn.functional.binary_cross_entropy_with_logits(model(pictures[batch]).logit, wanted[batch]).backward()
                optimizer.step()
                schedule.step()
    torch.set_num_threads(threads)
    return model.eval()
