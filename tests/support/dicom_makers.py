"""Make DICOM files in memory: any header, and pixels in every transfer syntax that is read."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from support.jpeg_lossless_maker import jpeg_lossless_bytes

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
LOSSLESS = (*NATIVE, RLELossless, JPEGLSLossless, JPEG2000Lossless)
LOSSLESS_GRAY = (*LOSSLESS, JPEGLossless, JPEGLosslessSV1)
LOSSY_8_BIT = (JPEGBaseline8Bit, JPEGExtended12Bit)
DIGITAL_X_RAY = "1.2.840.10008.5.1.4.1.1.1.1"


def dicom_bytes(
    pixels: np.ndarray | None,
    *,
    transfer_syntax: str = ExplicitVRLittleEndian,
    photometric: str = "MONOCHROME2",
    bits_stored: int | None = None,
    header: dict[str, Any] | None = None,
    leave_out: tuple[str, ...] = (),
    preamble: bool = True,
) -> bytes:
    """A DICOM file of `pixels` (rows, columns) or (rows, columns, 3), 8 or 16 bits, signed or not; None for none.

    `header` sets any further elements by keyword, after the pixels are encoded, so that it may contradict them;
    `leave_out` takes elements away.
    """
    with disable_value_validation():
        dataset = _described(pixels, photometric, bits_stored)
        _set_file_meta(dataset, UID(transfer_syntax))
        if pixels is not None:
            _encode(dataset, pixels, UID(transfer_syntax))
        for keyword, value in (header or {}).items():
            setattr(dataset, keyword, value)
        for keyword in leave_out:
            delattr(dataset, keyword)
        return _written(dataset, UID(transfer_syntax), preamble=preamble)


def jpeg_bytes(pixels: np.ndarray, **options: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **{"quality": 95, "subsampling": 0, **options})
    return file.getvalue()


def sequence_item(**elements: Any) -> Dataset:
    """A data set to stand in a sequence, as for look-up tables."""
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
        if isinstance(value, list):
            item[keyword].VR = "US"  # the dictionary leaves it open: US, SS or OW
    return item


def _set_file_meta(dataset: Dataset, syntax: UID) -> None:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def _described(pixels: np.ndarray | None, photometric: str, bits_stored: int | None) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = DIGITAL_X_RAY
    dataset.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    dataset.Modality = "DX"
    dataset.BodyPartExamined = "CHEST"
    if pixels is None:
        return dataset
    bits = pixels.dtype.itemsize * 8
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated = bits
    dataset.BitsStored = bits_stored or bits
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    return dataset


def _encode(dataset: Dataset, pixels: np.ndarray, syntax: UID) -> None:
    if syntax in {*LOSSY_8_BIT, JPEGLossless, JPEGLosslessSV1}:
        predictor = 1 if syntax == JPEGLosslessSV1 else 6
        lossy = syntax in LOSSY_8_BIT
        jpeg = jpeg_bytes(pixels) if lossy else jpeg_lossless_bytes(pixels, dataset.BitsStored, predictor=predictor)
        dataset.PixelData = encapsulate([jpeg])
        dataset["PixelData"].is_undefined_length = True
        dataset["PixelData"].VR = "OB"
    elif syntax in NATIVE:
        stored = pixels.astype(pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<"))
        data = stored.tobytes()
        dataset.PixelData = data + b"\0" * (len(data) % 2)
        dataset["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    elif syntax == JPEG2000:
        dataset.compress(syntax, pixels, j2k_psnr=[60], generate_instance_uid=False)
    elif syntax == JPEGLSNearLossless:
        dataset.compress(syntax, pixels, jls_error=2, generate_instance_uid=False)
    else:
        dataset.compress(syntax, pixels, generate_instance_uid=False)


def _written(dataset: Dataset, syntax: UID, *, preamble: bool) -> bytes:
    file = BytesIO()
    if preamble:
        dataset.save_as(file, enforce_file_format=True)
    else:
        meta, dataset.file_meta = dataset.file_meta, FileMetaDataset()
        dataset.save_as(file, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
        dataset.file_meta = meta
    return file.getvalue()
