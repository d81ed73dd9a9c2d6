"""From a PyTorch classifier to one ONNX file that returns logit, saliency map and embedding for a batch of any size."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from pneumoscope.arrays import INPUT_NAME, OUTPUT_NAMES
from pneumoscope.errors import UnusableOutput

LEAST_HALVED = 4096
"""Tensors of fewer values keep fp32: they are cheap, and the head must add up with its map to the last digit."""


def export_onnx(model: nn.Module, *, size_px: int) -> onnx.ModelProto:
    """The classifier as an ONNX graph: `radiograph` float32 (batch, 1, size_px, size_px) in, three outputs.

    Traced with a batch of two, since one would be taken for a constant.
    """
    model.eval()
    example = torch.rand(2, 1, size_px, size_px, generator=torch.Generator().manual_seed(0))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            input_names=[INPUT_NAME],
            output_names=list(OUTPUT_NAMES),
            dynamic_shapes={"radiograph": {0: torch.export.Dim("batch", min=1)}},
            external_data=False,
            optimize=True,
            verbose=False,
        )
    if program is None:
        raise UnusableOutput("export-failed", "PyTorch gave no ONNX program.", remedy="Report this with your versions.")
    graph: onnx.ModelProto = program.model_proto
    graph.doc_string = "Pneumoscope: research and education only, not a medical device."
    onnx.checker.check_model(graph)
    return graph


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
