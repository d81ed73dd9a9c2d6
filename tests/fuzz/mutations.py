"""Damage files in the ways that disks, networks and people do, and attackers would: seeded, so that a find comes again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

HEADER_BYTES = 512
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def mutated_files(seeds: Sequence[bytes], count: int, generator: np.random.Generator) -> Iterator[bytes]:
    """`count` damaged files; each kind of damage and each seed file takes its turn."""
    for number in range(count):
        data = bytearray(seeds[number % len(seeds)])
        other = seeds[int(generator.integers(len(seeds)))]
        kind = MUTATIONS[(number // len(seeds)) % len(MUTATIONS)]
        yield bytes(kind(data, other, generator))


def flip_bits(data: bytearray, _other: bytes, generator: np.random.Generator) -> bytearray:
    for _ in range(int(generator.integers(1, 30))):
        data[_place(data, generator)] ^= 1 << int(generator.integers(8))
    return data


def flip_bits_in_the_header(data: bytearray, _other: bytes, generator: np.random.Generator) -> bytearray:
    head = min(len(data), HEADER_BYTES)
    for _ in range(int(generator.integers(1, 6))):
        data[int(generator.integers(head))] ^= 1 << int(generator.integers(8))
    return data


def cut_off(data: bytearray, _other: bytes, generator: np.random.Generator) -> bytearray:
    return data[: _place(data, generator)]


def swap_headers(data: bytearray, other: bytes, generator: np.random.Generator) -> bytearray:
    length = int(generator.integers(4, HEADER_BYTES))
    return bytearray(other[:length]) + data[length:]


def splice(data: bytearray, other: bytes, generator: np.random.Generator) -> bytearray:
    return data[: _place(data, generator)] + bytearray(other[int(generator.integers(len(other))) :])


def zero_a_block(data: bytearray, _other: bytes, generator: np.random.Generator) -> bytearray:
    start, length = _place(data, generator), int(generator.integers(1, 2000))
    data[start : start + length] = bytes(len(data[start : start + length]))
    return data


def drop_a_block(data: bytearray, _other: bytes, generator: np.random.Generator) -> bytearray:
    start = _place(data, generator)
    del data[start : start + int(generator.integers(1, 200))]
    return data


def repeat_a_block(data: bytearray, _other: bytes, generator: np.random.Generator) -> bytearray:
    start = _place(data, generator)
    block = data[start : start + int(generator.integers(1, 200))]
    return data[:start] + block * int(generator.integers(2, 50)) + data[start:]


def edit_a_number(data: bytearray, _other: bytes, generator: np.random.Generator) -> bytearray:
    """Write an extreme number over two or four bytes of the header, where sizes, counts and offsets stand."""
    for _ in range(int(generator.integers(1, 4))):
        width = int(generator.choice([1, 2, 4]))
        value = int(generator.choice(_EXTREMES)) & (256**width - 1)
        start = int(generator.integers(max(1, min(len(data), HEADER_BYTES) - width)))
        order = "little" if generator.integers(2) else "big"
        data[start : start + width] = value.to_bytes(width, order)
    return data


Mutation = Callable[[bytearray, bytes, np.random.Generator], bytearray]
MUTATIONS: tuple[Mutation, ...] = (
    flip_bits,
    flip_bits_in_the_header,
    cut_off,
    swap_headers,
    splice,
    zero_a_block,
    drop_a_block,
    repeat_a_block,
    edit_a_number,
)


def _place(data: bytearray, generator: np.random.Generator) -> int:
    return int(generator.integers(len(data)))
