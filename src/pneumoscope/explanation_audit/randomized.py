"""The bundle's graph with its weights shuffled, from the head backwards (cascading randomization, Adebayo 2018,
arXiv:1810.03292): a map that stays the same shows the picture, not what the model has learnt.

Within each tensor the values are shuffled: their distribution stays, what was learnt goes. The graph is changed with
the package onnx, which the extra `explain` brings.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from jaxtyping import Float

from pneumoscope.arrays import INPUT_NAME, OUTPUT_NAMES, GrayPicture
from pneumoscope.bundle.bundle import Bundle
from pneumoscope.dataset.layouts import Watched
from pneumoscope.explanation.correlation import rank_correlation
from pneumoscope.explanation_audit.answers import PICTURES_AT_ONCE, Maps, model_input
from pneumoscope.explanation_audit.maps import random_map
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.session import cpu_session

STAGES = {"head": 0.0, "last-quarter": 0.25, "last-half": 0.5, "all-weights": 1.0}
"""Share of the backbone's layers, from its end, whose weights are shuffled with the head's."""
DRAWS = 3
RADIOGRAPHS = 40
FLOATS = (1, 10, 16)
"""TensorProto's FLOAT, FLOAT16 and BFLOAT16."""


def onnx_if_there() -> Any | None:
    """The package onnx, or None where it is not installed."""
    try:
        return importlib.import_module("onnx")
    except ImportError:
        return None


def sanity(
    grays: Sequence[GrayPicture],
    maps: Maps,
    bundle: Bundle,
    seed: int,
    *,
    workers: int,
    watched: Watched[Float[np.ndarray, " pictures"]],
) -> dict[str, Float[np.ndarray, " pictures"]]:
    """Rank correlation of each radiograph's map with the shuffled model's: `STAGE/size` and `STAGE/signed`.

    `random/size` is that with a random map. The others are means over three draws. Shuffling may as well turn a map's sign, so only the size of the correlation tells
    whether its shape stayed. Needs the package onnx.
    """
    pictures = model_input(np.stack(grays))
    jobs = [(stage, draw) for stage in STAGES for draw in range(DRAWS)]

    def work(job: tuple[str, int]) -> Float[np.ndarray, " pictures"]:
        stage, draw = job
        graph = shuffled(bundle.model, STAGES[stage], np.random.default_rng([seed, draw]))
        found = maps_by(cpu_session(graph, threads=1), pictures)
        return np.array([rank_correlation(one, other) for one, other in zip(maps, found, strict=True)])

    found = list(watched((result for _, result in ordered_results(work, jobs, workers=workers)), len(jobs)))
    by_stage = np.stack(found).reshape(len(STAGES), DRAWS, len(grays))
    sizes = {f"{stage}/size": np.abs(values).mean(axis=0) for stage, values in zip(STAGES, by_stage, strict=True)}
    signed = {f"{stage}/signed": values.mean(axis=0) for stage, values in zip(STAGES, by_stage, strict=True)}
    shape, generator = (maps.shape[1], maps.shape[2]), np.random.default_rng(seed)
    chance = [abs(rank_correlation(one, random_map(shape, generator))) for one in maps]
    return sizes | signed | {"random/size": np.array(chance)}


def maps_by(session: onnxruntime.InferenceSession, pictures: np.ndarray) -> Maps:
    """The maps of a graph, a few pictures at a time."""
    parts = [pictures[start : start + PICTURES_AT_ONCE] for start in range(0, len(pictures), PICTURES_AT_ONCE)]
    return np.concatenate([session.run([OUTPUT_NAMES[1]], {INPUT_NAME: part})[0] for part in parts])


def shuffled(model: bytes, backbone_share: float, generator: np.random.Generator) -> bytes:
    """An ONNX file with the values of each tensor of the head, and of that share of the backbone's last layers, shuffled."""
    onnx = importlib.import_module("onnx")
    graph = onnx.load_from_string(model)
    head, backbone = weight_names(graph)
    taken = round(backbone_share * len(backbone))
    names = {name for layer in [*head, *backbone[len(backbone) - taken :]] for name in layer}
    for tensor in graph.graph.initializer:
        if tensor.name in names:
            values = onnx.numpy_helper.to_array(tensor)
            mixed = generator.permutation(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(onnx.numpy_helper.from_array(mixed, tensor.name))
    content: bytes = graph.SerializeToString()
    return content


def weight_names(model: Any) -> tuple[list[list[str]], list[list[str]]]:
    """Names of the weight tensors, a list a layer, in the order in which the graph computes: the head's, the backbone's.

    The backbone is what the embedding is made from. Weights stored as fp16 and widened are found behind their cast.
    """
    stored = {tensor.name for tensor in model.graph.initializer if tensor.data_type in FLOATS and size(tensor) > 1}
    behind = {name: name for name in stored}
    layers: list[tuple[list[str], Any]] = []
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in stored:
            behind[node.output[0]] = node.input[0]
            continue
        if weights := [behind[name] for name in node.input if name in behind]:
            layers.append((weights, node))
    before_embedding = needed_for(model, OUTPUT_NAMES[2])
    head = [weights for weights, node in layers if node.output[0] not in before_embedding]
    backbone = [weights for weights, node in layers if node.output[0] in before_embedding]
    return head, backbone


def needed_for(model: Any, output: str) -> set[str]:
    """Names of everything that the output is computed from, itself included."""
    made_by = {name: node for node in model.graph.node for name in node.output}
    needed, waiting = set(), [output]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += list(made_by[name].input) if name in made_by else []
    return needed


def size(tensor: Any) -> int:
    """How many values it holds."""
    return int(np.prod(tensor.dims))
