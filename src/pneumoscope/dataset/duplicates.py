"""Which radiographs are the same picture: to the pixel, or nearly (scaled, coded anew, a little brighter).

Near duplicates are found in two steps. Every pair of 64-bit perceptual hashes is compared, as one matrix product a
block, so that 6,000 radiographs take a second and memory stays bounded; pairs that differ in few bits are then compared
by the correlation of their 32 x 32 sketches, since frontal chests are all alike to a hash. In the Kermany set (5,856)
identical pictures correlate to 1.000 and the most alike of different ones to 0.975, so 0.985 lies in the gap. Mirrored
or cropped copies are not found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8

HASH_BITS_APART = 12
LEAST_CORRELATION = 0.985
BLOCK = 1024


def groups_of_equal(digests: Sequence[str]) -> list[list[int]]:
    """Indices that share a digest, groups of two and more, in order of their first member."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, digest in enumerate(digests):
        members[digest].append(index)
    return [group for group in members.values() if len(group) > 1]


def near_pairs(
    hashes: Bool[np.ndarray, "radiographs 64"], sketches: UInt8[np.ndarray, "radiographs 32 32"]
) -> list[tuple[int, int]]:
    """Pairs (first < second) that show nearly the same picture, identical ones among them."""
    signs = np.where(hashes, np.float32(1), np.float32(-1))
    pictures = standardized(sketches)
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(signs), BLOCK):
        bits_apart = (signs.shape[1] - signs[start : start + BLOCK] @ signs[start:].T) / 2
        first, second = np.nonzero(np.triu(bits_apart <= HASH_BITS_APART, k=1))
        for some in np.array_split(np.arange(len(first)), len(first) // 65536 + 1):
            ones, others = first[some] + start, second[some] + start
            alike = np.einsum("ij,ij->i", pictures[ones], pictures[others]) >= LEAST_CORRELATION
            pairs += zip(ones[alike].tolist(), others[alike].tolist(), strict=True)
    return pairs


def standardized(sketches: UInt8[np.ndarray, "radiographs 32 32"]) -> Float[np.ndarray, "radiographs 1024"]:
    """Each sketch with mean 0 and length 1, so that a product of two is their correlation."""
    flat = sketches.reshape(len(sketches), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    divided: np.ndarray = flat / np.maximum(length, 1e-6)
    return divided
