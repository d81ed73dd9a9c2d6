"""Stand-ins for `lungs.onnx` whose answer is known: lung is where the picture is dark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto, helper

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.bundle.lung_spec import LungSpec

SPEC = LungSpec(
    size_px=224,
    threshold=0.5,
    least_area_share=0.05,
    area_share=(0.1, 0.5),
    centre_row=(0.3, 0.7),
    centre_column=(0.4, 0.6),
    smaller_lung_share=0.3,
    metrics={"validation": {"radiographs": 3}},
    provenance={"seed": 0},
)


def dark_is_lung(size_px: int = 224, *, output: str = "lung_probability") -> bytes:
    """Probability 1 - gray, averaged over 2 x 2 pixels."""
    half = size_px // 2
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", ["radiograph"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Squeeze", ["pooled", "channel"], ["gray"]),
            helper.make_node("Sub", ["one", "gray"], [output]),
        ],
        "lungs",
        [helper.make_tensor_value_info("radiograph", TensorProto.FLOAT, ["batch", 1, size_px, size_px])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", half, half])],
        [
            helper.make_tensor("channel", TensorProto.INT64, [1], [1]),
            helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def with_dark_lungs(bundle: Bundle, spec: LungSpec = SPEC) -> Bundle:
    """The bundle, in memory, with a segmentation for which dark is lung."""
    return replace(bundle, card=replace(bundle.card, lungs=spec, map_trust=None), lungs=dark_is_lung(spec.size_px))


def film(
    *, right: tuple[int, int, int, int] = (56, 168, 28, 84), left: tuple[int, int, int, int] | None = None
) -> np.ndarray:
    """A bright square of 224 px with dark fields (top, bottom, first, last column); `right` is the patient's."""
    gray = np.full((224, 224), 220, np.uint8)
    for top, bottom, first, last in (right, left or (56, 168, 140, 196)):
        gray[top:bottom, first:last] = 20
    return gray
