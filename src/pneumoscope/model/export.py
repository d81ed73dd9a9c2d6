"""From PyTorch to ONNX, for a batch of any size: a classifier with its explanation, or the first parts of a backbone."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import onnx
import torch
from jaxtyping import Float
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from pneumoscope.arrays import INPUT_NAME, OUTPUT_NAMES
from pneumoscope.errors import UnusableOutput
from pneumoscope.model.backbone import Backbone

FEATURES_NAME = "features"
"""The one output of a graph that `export_prefix` makes."""

LEAST_HALVED = 4096
"""Tensors of fewer values keep fp32: they are cheap, and the head must add up with its map to the last digit."""


def export_onnx(model: nn.Module, *, size_px: int) -> onnx.ModelProto:
    """A classifier as a graph: `radiograph` float32 (batch, 1, size_px, size_px) in, the three `OUTPUT_NAMES` out."""
    return exported(model, OUTPUT_NAMES, size_px=size_px)


def export_prefix(backbone: Backbone, part: str, *, size_px: int) -> onnx.ModelProto:
    """A backbone through `part` as a graph: `radiograph` as above in, `features` float32 (batch, channels, ...) out.

    It computes what the frozen parts compute in training, so that their activations can be made once, by ONNX Runtime.
    `UnusableRecipe` where there is no such part.
    """
    backbone.parts_through(part)
    return exported(Prefix(backbone, part), [FEATURES_NAME], size_px=size_px)


class Prefix(nn.Module):
    """The first parts of a backbone as a network of its own."""

    def __init__(self, backbone: Backbone, part: str) -> None:
        super().__init__()
        self.backbone, self.part = backbone, part

    def forward(
        self, radiograph: Float[Tensor, "batch 1 rows columns"]
    ) -> Float[Tensor, "batch channels part_rows part_columns"]:
        return self.backbone.forward_until(radiograph, self.part)


def exported(model: nn.Module, output_names: Sequence[str], *, size_px: int) -> onnx.ModelProto:
    """Trace a network as it evaluates, with a batch of two, since one would be taken for a constant."""
    device = next(model.parameters()).device
    example = torch.rand(2, 1, size_px, size_px, generator=torch.Generator().manual_seed(0)).to(device)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with evaluating(model), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            input_names=[INPUT_NAME],
            output_names=list(output_names),
            dynamic_shapes={"radiograph": {0: torch.export.Dim("batch", min=1)}},
            external_data=False,
            optimize=True,
            verbose=False,
        )
    if program is None:
        raise UnusableOutput("export-failed", "PyTorch gave no ONNX program.", remedy="Report this with your versions.")
    graph = without_traces(program.model_proto)
    graph.doc_string = "Pneumoscope: research and education only, not a medical device."
    onnx.checker.check_model(graph)
    return graph


def without_traces(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph without the exporter's notes, which hold the paths of the machine it ran on."""
    bare = onnx.ModelProto()
    bare.CopyFrom(graph)
    for part in (bare, bare.graph, *bare.graph.node, *bare.graph.value_info, *bare.graph.input, *bare.graph.output):
        del part.metadata_props[:]
    for tensor in bare.graph.initializer:
        del tensor.metadata_props[:]
    return bare


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Every module in evaluation, and afterwards as it was: a training may go on after an export."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, was_training in training.items():
            module.training = was_training


def with_halved_weights(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with large weights stored as fp16 and widened when a session opens; it computes in fp32."""
    halved = onnx.ModelProto()
    halved.CopyFrom(graph)
    casts = []
    kept = []
    for tensor in halved.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < LEAST_HALVED:
            kept.append(tensor)
            continue
        stored = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{tensor.name}.fp16")
        kept.append(stored)
        casts.append(helper.make_node("Cast", [stored.name], [tensor.name], to=TensorProto.FLOAT))
    nodes = list(halved.graph.node)
    del halved.graph.initializer[:], halved.graph.node[:]
    halved.graph.initializer.extend(kept)
    halved.graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(halved)
    return halved
