"""Open the bytes of a DICOM file (PS3.10) as a data set, without inflating, decoding or logging anything of it.

pydicom reads tolerantly, and so do the small readers of single elements below: an element that cannot be understood
counts as absent. None of them ever puts a value into an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from pydicom.config import IGNORE
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.refusal import RefusalCode, cut_off
from pneumoscope.radiograph.sniffing import FIRST_VALUE_REPRESENTATIONS

IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})

MOST_ELEMENTS = 20_000
_PREAMBLE_BYTES = 132
_PIXEL_GROUP = 0x7FE0
_UNDEFINED_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, eq=False)
class DicomFile:
    """The header and, apart from it, the group of the pixel data; how they are encoded."""

    header: Dataset
    pixels: Dataset
    transfer_syntax: str

    @property
    def is_little_endian(self) -> bool:
        return self.transfer_syntax != EXPLICIT_BIG_ENDIAN


def open_dicom(data: bytes) -> DicomFile:
    """`RefusedRadiograph` where the file is deflated, cut off, or has elements without end."""
    file = BytesIO(data)
    file.seek(_PREAMBLE_BYTES if data[128:_PREAMBLE_BYTES] == b"DICM" else 0)
    transfer_syntax = _transfer_syntax(file)
    if transfer_syntax in DEFLATED:
        raise RefusedRadiograph(
            RefusalCode.UNSUPPORTED_TRANSFER_SYNTAX,
            "The DICOM file is deflated, which is not read: it could unfold to any size.",
            remedy="Export it with transfer syntax Explicit VR Little Endian.",
        )
    implicit = transfer_syntax == IMPLICIT_LITTLE_ENDIAN
    little = transfer_syntax != EXPLICIT_BIG_ENDIAN
    elements = 0

    def at_pixels(tag: int, _vr: str | None, _length: int) -> bool:
        nonlocal elements
        elements += 1
        if elements > MOST_ELEMENTS:
            raise RefusedRadiograph(
                RefusalCode.CORRUPT,
                f"The DICOM header has more than {MOST_ELEMENTS:,} elements.",
                remedy="Export the picture once more, without private elements.",
            )
        return tag >> 16 >= _PIXEL_GROUP

    header = read_dataset(file, implicit, little, stop_when=at_pixels)
    rest = len(data) - file.tell()
    pixels = read_dataset(file, implicit, little)
    if _is_cut_off(header) or _is_cut_off(pixels) or not header or (rest and not pixels):
        raise cut_off(len(data))
    return DicomFile(header, pixels, transfer_syntax)


def _transfer_syntax(file: BytesIO) -> str:
    """As the file meta information says (PS3.10 7.1), or guessed from the first element where there is none."""
    start = file.tell()
    meta = Dataset()
    if file.read(2) == b"\x02\x00":
        file.seek(start)
        meta = read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=_after_file_meta)
        start = file.tell()
    file.seek(start)
    first = file.read(6)
    file.seek(start)
    stated = text(meta, "TransferSyntaxUID")
    if stated:
        return stated
    return EXPLICIT_LITTLE_ENDIAN if first[4:6] in FIRST_VALUE_REPRESENTATIONS else IMPLICIT_LITTLE_ENDIAN


def _after_file_meta(tag: int, _vr: str | None, _length: int) -> bool:
    return tag >> 16 != 0x0002


def _is_cut_off(dataset: Dataset) -> bool:
    """Whether the value of some element is shorter than its length: pydicom hands over what there is."""
    raw: Iterator[object] = (dataset.get_item(tag) for tag in dataset.keys())  # noqa: SIM118 (iterating a data set converts its values)
    return any(
        isinstance(element, RawDataElement)
        and element.length != _UNDEFINED_LENGTH
        and len(element.value or b"") < element.length
        for element in raw
    )


def transfer_syntax_name(transfer_syntax: str) -> str:
    """The standard's name; a value that is not in the standard is not repeated."""
    name = str(UID(transfer_syntax, validation_mode=IGNORE).name)  # the value itself where the standard has no name
    return "a private or unknown one" if name == transfer_syntax else name


def text(dataset: Dataset, keyword: str) -> str:
    """The first value as trimmed upper-case text; "" where it is absent or unreadable."""
    value = _first_value(dataset, keyword)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return "" if value is None else str(value).strip(" \0").upper()


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value as a finite number; None where it is absent or is none."""
    return _finite(_first_value(dataset, keyword))


def numbers(dataset: Dataset, keyword: str) -> list[float | None]:
    """All values, each as `number` has it."""
    value = _value(dataset, keyword)
    return [_finite(each) for each in (value if isinstance(value, MutableSequence) else [value])]


def integer(dataset: Dataset, keyword: str) -> int | None:
    """The first value as a whole number; None where it is absent or is none."""
    value = number(dataset, keyword)
    return None if value is None or value != int(value) else int(value)


def sixteen_bit_values(dataset: Dataset, keyword: str, *, little_endian: bool, signed: bool) -> np.ndarray:
    """All values of an element of 16-bit integers, whose VR may be US, SS or OW; empty where it is absent (int64).

    Whether they are signed hangs on another element (PS3.5 A.1), so that is for the caller to say.
    """
    value = _value(dataset, keyword)
    if isinstance(value, bytes):
        whole = value[: len(value) - len(value) % 2]
        values = np.frombuffer(whole, dtype="<u2" if little_endian else ">u2").astype(np.int64)
    else:
        try:
            values = np.atleast_1d(np.asarray([] if value is None else value, dtype=np.int64))
        except (TypeError, ValueError, OverflowError):
            return np.empty(0, dtype=np.int64)
    values &= 0xFFFF
    return np.where(values >= 0x8000, values - 0x10000, values) if signed else values


def _finite(value: Any) -> float | None:
    try:
        parsed = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def _first_value(dataset: Dataset, keyword: str) -> Any:
    value = _value(dataset, keyword)
    if isinstance(value, MutableSequence):  # pydicom's MultiValue
        return value[0] if len(value) else None
    return value


def _value(dataset: Dataset, keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except Exception:  # noqa: BLE001 (pydicom raises many kinds on values that are not what their VR says)
        return None
