"""Let a bundle's graph also return the feature map that its saliency map is made of, and the channels' weights.

Nothing is trained or exported anew: the two tensors are in the graph already (`model/classifier.py`,
`model/dense_head.py`), and here they are named as outputs. Needs the package `onnx`, but not PyTorch.
"""

from __future__ import annotations

from typing import NamedTuple

import onnx
from onnx import helper

from pneumoscope.errors import UnusableOption

SALIENCY_MAP = "saliency_map"
ADDED = ("feature_map", "channel_weight")


class FeatureGraph(NamedTuple):
    """The graph's bytes with two more outputs, and the side of the max-pool's windows before the mean (1: none)."""

    content: bytes
    pool: int


def with_feature_outputs(content: bytes) -> FeatureGraph:
    """`feature_map` (batch, channels, rows, columns) and `channel_weight`, the mean gradient of each channel.

    `UnusableOption` where the saliency map is not one weighted sum of channels, as where two ways to look are averaged.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    maker = {name: node for node in graph.node for name in node.output}
    node = maker.get(SALIENCY_MAP)
    if node is not None and node.op_type == "Squeeze":
        node = maker.get(node.input[0])
    if node is None or node.op_type not in ("Conv", "Einsum"):
        raise UnusableOption(
            "feature-map-missing",
            "The saliency map of this bundle is not the weighted sum of one feature map.",
            remedy="Take --method grad-cam, occlusion or rise, which every bundle has.",
        )
    sources = (node.input[0], node.input[1])
    for source, name in zip(sources, ADDED, strict=True):
        graph.node.append(helper.make_node("Identity", [source], [name]))
        graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    pools = [other for other in graph.node if other.op_type == "MaxPool" and other.input[0] == sources[0]]
    pool = int(helper.get_node_attr_value(pools[0], "kernel_shape")[0]) if pools else 1
    return FeatureGraph(model.SerializeToString(), pool)
