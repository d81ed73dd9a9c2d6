"""Every damaged file ends in a `Radiograph` or a `RefusedRadiograph`."""

from __future__ import annotations

import numpy as np

from fuzz.mutations import MUTATIONS, mutated_files
from fuzz.seed_files import seed_files
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.reading import radiograph_from_bytes
from pneumoscope.radiograph.refusal import RefusalCode

FILES = seed_files()


def test_the_seed_files_are_read() -> None:
    for data in FILES:
        assert radiograph_from_bytes(data, "seed").gray.size == 96 * 80


def test_a_damaged_file_is_read_or_refused_with_one_of_our_codes() -> None:
    refusals = []
    count = len(FILES) * len(MUTATIONS)
    for data in mutated_files(FILES, count, np.random.default_rng(1)):
        try:
            radiograph_from_bytes(data, "damaged")
        except RefusedRadiograph as refusal:
            refusals.append(refusal)
    assert {refusal.code for refusal in refusals} <= set(RefusalCode)
    assert all(refusal.message and refusal.remedy for refusal in refusals)
    assert len(refusals) > count / 3


def test_the_same_seed_gives_the_same_files() -> None:
    first, second = (list(mutated_files(FILES, 50, np.random.default_rng(2))) for _ in range(2))
    assert first == second
    assert first != list(mutated_files(FILES, 50, np.random.default_rng(3)))
