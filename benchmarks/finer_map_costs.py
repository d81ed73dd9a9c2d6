"""What a finer map costs, for `finer_map.py`: processor time of a radiograph and of a training step, and size."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from pneumoscope.arrays import GrayPicture
from pneumoscope.inference.predictor import Predictor
from pneumoscope.model.build import backbone_of

ROUNDS = 40


def costs(predictors: Mapping[str, Predictor], gray: GrayPicture) -> dict[str, Any]:
    """One thread, one radiograph: milliseconds of each graph, and its size; what is named first is the measure of the rest."""
    picture = gray[np.newaxis, np.newaxis].astype(np.float32) / 255
    milliseconds = processor_milliseconds({name: partial(one.run, picture) for name, one in predictors.items()})
    first = next(iter(milliseconds))
    return {
        "processor_milliseconds_a_picture": milliseconds,
        "times_the_first": {name: value / milliseconds[first] for name, value in milliseconds.items()},
        "graph_megabytes": {name: len(one.bundle.model) / 1e6 for name, one in predictors.items()},
        "training_step_times_stride_32": training_ratio(),
    }


def processor_milliseconds(functions: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median processor time of a call in this thread, in turns: what else runs on the machine does not count."""
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(ROUNDS + 3):
        for name, function in functions.items():
            function()  # the graph's own data into the caches
            started = time.thread_time()
            function()
            if number >= 3:
                taken[name].append(1000 * (time.thread_time() - started))
    return {name: statistics.median(values) for name, values in taken.items()}


def training_ratio() -> float:
    """Processor time of forward and backward at stride 16 over that at 32, in turns, one thread."""
    models = [backbone_of("efficientnet-lite0", weights="random", drop_path=0.0, map_stride=one) for one in (16, 32)]
    pictures = torch.rand(8, 1, 224, 224)
    taken: list[list[float]] = [[], []]
    for _ in range(4):
        for model, seconds in zip(models, taken, strict=True):
            started = time.process_time()
            model(pictures).sum().backward()
            seconds.append(time.process_time() - started)
    finer, published = (statistics.median(seconds[1:]) for seconds in taken)
    return finer / published
