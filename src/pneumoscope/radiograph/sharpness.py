"""How sharp a picture is: a cue that tells the label in some data sets, and so is one to look at subgroups by."""

from __future__ import annotations

import numpy as np

from pneumoscope.arrays import GrayPicture


def laplacian_variance(gray: GrayPicture) -> float:
    """Variance of the 4-neighbour Laplacian over the inner pixels, in squared gray levels (0 to 255); higher is sharper.

    Pech-Pacheco et al. 2000, Diatom autofocusing in brightfield microscopy (doi:10.1109/ICPR.2000.903548). It depends on
    the picture's size, so give the picture that the model sees. NaN where a side is shorter than 3 px.
    """
    if min(gray.shape) < 3:
        return float("nan")
    columns = gray.shape[1]
    levels = gray.astype(
        np.int16
    ).ravel()  # shifts of one long row of integers take a quarter of the time of shifted rows
    laplacian = levels[: -2 * columns] + levels[2 * columns :]
    laplacian += levels[columns - 1 : -columns - 1]
    laplacian += levels[columns + 1 : 1 - columns]
    laplacian -= 4 * levels[columns:-columns]
    inner = laplacian.reshape(-1, columns)[:, 1:-1].astype(np.float32).ravel()
    inner -= inner.mean(dtype=np.float64)
    return float(inner @ inner) / inner.size
