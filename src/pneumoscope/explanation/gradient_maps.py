"""Maps made of a feature map A and the gradient g of the logit at it, signed and in logit units per map cell.

    Grad-CAM    sum over channels of (mean of g over the map) · A         Selvaraju 2017, arXiv:1610.02391
    HiResCAM    sum over channels of g · A                                Draelos 2020, arXiv:2011.08891
    LayerCAM    sum over channels of max(g, 0) · A                        Jiang 2021, doi:10.1109/TIP.2021.3089943
    Grad-CAM++  sum over channels of (mean of alpha · max(g, 0)) · A      Chattopadhyay 2018, arXiv:1710.11063
                alpha = g² / (2 g² + S g³), S the sum of A over the map

The papers take the positive part of the sum, and Grad-CAM++ the sum instead of the mean, which stretches its map by the
number of cells. Here maps stay signed, and on the scale of the others. Grad-CAM++ is as in the paper's published code:
derivatives of exp(logit), whose second and third are the square and the cube of the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from pneumoscope.arrays import SaliencyMap

FeatureMap = Float32[np.ndarray, "channels map_rows map_columns"]


@dataclass(frozen=True, slots=True, eq=False)
class MapGradient:
    """A feature map, and the gradient of the logit with respect to it."""

    feature_map: FeatureMap
    gradient: FeatureMap


def grad_cam(values: MapGradient) -> SaliencyMap:
    """Each channel weighs its mean gradient."""
    return weighted(values.feature_map, values.gradient.mean(axis=(1, 2)))


def hires_cam(values: MapGradient) -> SaliencyMap:
    """Each place of each channel weighs its own gradient: what the channel's place adds to the logit, to first order."""
    product: SaliencyMap = (values.gradient * values.feature_map).sum(axis=0)
    return product


def layer_cam(values: MapGradient) -> SaliencyMap:
    """As HiResCAM, without what speaks against."""
    product: SaliencyMap = (np.maximum(values.gradient, 0) * values.feature_map).sum(axis=0)
    return product


def grad_cam_plus_plus(values: MapGradient) -> SaliencyMap:
    """Each channel weighs its positive gradients, and the less, the more of it there is."""
    positive = np.maximum(values.gradient, 0)
    total = values.feature_map.sum(axis=(1, 2), keepdims=True)
    denominator = 2 + total * values.gradient
    alpha = np.divide(1, denominator, out=np.zeros_like(denominator), where=(positive > 0) & (denominator != 0))
    return weighted(values.feature_map, (alpha * positive).mean(axis=(1, 2)))


def weighted(feature_map: FeatureMap, weight: Float[np.ndarray, " channels"]) -> SaliencyMap:
    """The sum of the channels, each times its weight."""
    combined: SaliencyMap = np.einsum("crk,c->rk", feature_map, weight.astype(np.float32))
    return combined


def gradient_of_mean(weight: Float32[np.ndarray, " channels"], feature_map: FeatureMap, *, pool: int) -> MapGradient:
    """The gradient, where the head reads each channel's mean, or the mean of its maxima in `pool` by `pool` cells.

    `weight` is the channel's mean gradient over the map. A window hands its whole gradient to the one cell that is its
    maximum: the first, where several are (as PyTorch has it).
    """
    channels, rows, columns = feature_map.shape
    if pool == 1:
        return MapGradient(feature_map, np.broadcast_to(weight[:, np.newaxis, np.newaxis], feature_map.shape).copy())
    whole = feature_map[:, : rows // pool * pool, : columns // pool * pool]
    windows = whole.reshape(channels, rows // pool, pool, columns // pool, pool).transpose(0, 1, 3, 2, 4)
    flat = windows.reshape(channels, rows // pool, columns // pool, pool * pool)
    chosen = np.zeros_like(flat)
    np.put_along_axis(chosen, flat.argmax(axis=-1)[..., np.newaxis], 1, axis=-1)
    spread = chosen.reshape(windows.shape).transpose(0, 1, 3, 2, 4).reshape(whole.shape)
    gradient = np.zeros_like(feature_map)
    windows_of_map = (rows // pool) * (columns // pool)
    per_window = weight * np.float32(rows * columns / windows_of_map)
    gradient[:, : whole.shape[1], : whole.shape[2]] = spread * per_window[:, np.newaxis, np.newaxis]
    return MapGradient(feature_map, gradient)
