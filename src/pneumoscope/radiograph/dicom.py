"""Turn a DICOM file into a gray picture: is it a chest radiograph, one picture, and what does it say of the patient.

Nothing of a patient's header may reach a message, a warning or a log: values are repeated only where they are terms of
the standard or numbers that describe the pixels.
"""

from __future__ import annotations

import re

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from pneumoscope.arrays import ColorPicture, GrayPicture
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.dicom_file import DicomFile, open_dicom, text
from pneumoscope.radiograph.dicom_grayscale import shown
from pneumoscope.radiograph.dicom_pixels import (
    GRAY,
    PALETTE,
    PixelDescription,
    damaged_pixels,
    describe,
    stored_values,
)
from pneumoscope.radiograph.gate import check_colour, one_large_picture_at_a_time
from pneumoscope.radiograph.gray_levels import scaled
from pneumoscope.radiograph.radiograph import DecodedPicture, RadiographWarning, WarningCode
from pneumoscope.radiograph.refusal import RefusalCode

PROJECTION_RADIOGRAPHY = frozenset({"CR", "DX", "RG", "DR"})
"""Computed, digital and film-screen radiography (PS3.3 C.7.3.1.1.1); DR is not standard, yet written by devices."""
OTHER_MODALITIES = {
    "CT": "computed tomography", "MR": "magnetic resonance", "US": "ultrasound", "MG": "mammography",
    "NM": "nuclear medicine", "PT": "positron emission tomography", "XA": "X-ray angiography",
    "RF": "fluoroscopy", "IO": "intra-oral radiography", "PX": "panoramic X-ray", "ES": "endoscopy",
    "XC": "photography", "GM": "microscopy", "SM": "slide microscopy", "OP": "ophthalmic photography",
    "OPT": "ophthalmic tomography", "ECG": "electrocardiography", "SR": "a report", "SEG": "a segmentation",
    "RTIMAGE": "a radiotherapy image", "RTDOSE": "a radiotherapy dose", "DOC": "a document", "BMD": "densitometry",
}  # fmt: skip
NOT_STATED = frozenset({"", "OT"})
_RADIOGRAPHY_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.1",  # computed radiography
    "1.2.840.10008.5.1.4.1.1.1.1",  # digital X-ray, for presentation
    "1.2.840.10008.5.1.4.1.1.1.1.1",  # digital X-ray, for processing
    "1.2.840.10008.5.1.4.1.1.7",  # secondary capture
    "1.2.840.10008.5.1.4.1.1.7.1",
    "1.2.840.10008.5.1.4.1.1.7.2",
    "1.2.840.10008.5.1.4.1.1.7.3",
    "1.2.840.10008.5.1.4.1.1.7.4",
)

CHEST_WORDS = ("CHEST", "THORA", "TORAX", "LUNG", "PULMO", "RIB")
NO_BODY_PART = frozenset({"", "UNKNOWN", "UNDEFINED", "OTHER", "NONE", "NA", "N/A", "DEFAULT"})
OTHER_BODY_PARTS = frozenset(
    [
        "ABDOMEN",
        "ANKLE",
        "ARM",
        "BLADDER",
        "BRAIN",
        "BREAST",
        "CALCANEUS",
        "CLAVICLE",
        "COCCYX",
        "CSPINE",
        "ELBOW",
        "EXTREMITY",
        "EYE",
        "FEMUR",
        "FINGER",
        "FOOT",
        "FOREARM",
        "HAND",
        "HEAD",
        "HIP",
        "HUMERUS",
        "JAW",
        "KNEE",
        "LEG",
        "LSPINE",
        "MANDIBLE",
        "NECK",
        "ORBIT",
        "PATELLA",
        "PELVIS",
        "SCAPULA",
        "SHOULDER",
        "SKULL",
        "SPINE",
        "SSPINE",
        "TIBIA",
        "TOE",
        "TSPINE",
        "UTERUS",
        "WHOLEBODY",
        "WRIST",
    ]
)

VIEW_POSITIONS = frozenset({"AP", "PA", "LL", "RL", "LLD", "RLD", "LLO", "RLO", "LATERAL", "LAT"})
_AGE = re.compile(r"0*(\d{1,3})([DWMY]?)")
_UNITS_A_YEAR = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0, "": 1.0}


def decode_dicom(data: bytes) -> DecodedPicture:
    """The gray picture and what the header says of the patient; `RefusedRadiograph` for whatever is no radiograph.

    pydicom's and the codecs' own errors end here: their words may quote the header.
    """
    try:
        return _decode(data)
    except RefusedRadiograph:
        raise
    except Exception:  # noqa: BLE001 (every kind of error comes out of damaged files)
        raise damaged_pixels() from None


def _decode(data: bytes) -> DecodedPicture:
    file, pixels, warnings = chest_dicom(data)
    with one_large_picture_at_a_time(pixels.rows, pixels.columns):
        stored = stored_values(file, pixels)
        if pixels.photometric in GRAY:
            gray, more = shown(stored, file.header, little_endian=file.is_little_endian)
        else:
            colours = palette_colours(stored, file.header) if pixels.photometric == PALETTE else stored
            gray, more = gray_of_colours(colours, 16 if colours.itemsize == 2 else 8)
    return DecodedPicture(
        np.ascontiguousarray(gray),
        age_years=age_years(text(file.header, "PatientAge")),
        sex=_known(text(file.header, "PatientSex"), frozenset("MFO")),
        view_position=_known(text(file.header, "ViewPosition"), VIEW_POSITIONS),
        warnings=warnings + more,
    )


def chest_dicom(data: bytes) -> tuple[DicomFile, PixelDescription, tuple[RadiographWarning, ...]]:
    """The file and what it says of its pixels, before they are decoded; refused where it is no chest radiograph."""
    file = open_dicom(data)
    refuse_without_pixels(file)
    warnings = check_modality(file.header)
    refuse_other_body_part(file.header)
    return file, describe(file.header), warnings


def refuse_without_pixels(file: DicomFile) -> None:
    """Refuse reports, directories and measurements."""
    if file.pixels.get("PixelData"):
        return
    modality = text(file.header, "Modality")
    what = "It is a DICOM directory" if "DirectoryRecordSequence" in file.header else "The DICOM file"
    if modality in OTHER_MODALITIES:
        what += f" of modality {modality} ({OTHER_MODALITIES[modality]})"
    if "FloatPixelData" in file.pixels or "DoubleFloatPixelData" in file.pixels:
        what += " has measurements as floating-point numbers, not a picture, and"
    raise RefusedRadiograph(
        RefusalCode.NO_PIXEL_DATA,
        f"{what} holds no (7FE0,0010) PixelData.",
        remedy="Export the image, not the report, directory or measurement that belongs to it.",
    )


def check_modality(header: Dataset) -> tuple[RadiographWarning, ...]:
    """Refuse what is not projection radiography. Where the modality is not stated, the SOP class must not contradict."""
    modality, sop_class = text(header, "Modality"), text(header, "SOPClassUID")
    if modality in PROJECTION_RADIOGRAPHY:
        return ()
    if modality in NOT_STATED and (not sop_class or sop_class in _RADIOGRAPHY_CLASSES):
        message = "The header does not say how the picture was taken; it was taken to be a radiograph."
        return (RadiographWarning(WarningCode.MODALITY_NOT_STATED, message, "(0008,0060) Modality"),)
    known = OTHER_MODALITIES.get(modality)
    named = f"is {modality} ({known})" if known else "is none of CR, DX and RG"
    raise RefusedRadiograph(
        RefusalCode.UNSUPPORTED_MODALITY,
        f"The DICOM element (0008,0060) Modality {named}; chest radiographs are CR, DX or RG.",
        remedy="Give a projection radiograph of the chest.",
    )


def refuse_other_body_part(header: Dataset) -> None:
    """Refuse where the header names a part of the body, and it is not the chest."""
    part = text(header, "BodyPartExamined")
    if part in NO_BODY_PART or any(word in part for word in CHEST_WORDS):
        return
    named = part if part in OTHER_BODY_PARTS else "another part of the body"
    raise RefusedRadiograph(
        RefusalCode.UNSUPPORTED_BODY_PART,
        f"The DICOM element (0018,0015) BodyPartExamined names {named}, not the chest.",
        remedy="Give a radiograph of the chest; if it is one, have the element corrected.",
    )


def age_years(age: str) -> float | None:
    """An age string (PS3.5 6.2: "018M", "004Y") in years; a bare number counts as years; None for anything else."""
    match = _AGE.fullmatch(age)
    return None if match is None else int(match[1]) / _UNITS_A_YEAR[match[2]]


def palette_colours(stored: np.ndarray, header: Dataset) -> np.ndarray:
    """Palette colour LUT (PS3.3 C.7.6.3.1.5), looked up once for each value that can be stored."""
    index = stored.view(f"u{stored.itemsize}")
    possible = np.arange(256**stored.itemsize).astype(index.dtype).view(stored.dtype)
    table: np.ndarray = np.asarray(apply_color_lut(possible.astype(np.int32), header))[..., :3]
    return np.asarray(table[index])


def gray_of_colours(colours: np.ndarray, bits: int) -> tuple[GrayPicture, tuple[RadiographWarning, ...]]:
    """RGB of 8 or 16 bits as gray, by the same weights as for every other format (ITU-R 601)."""
    in_8_bits: ColorPicture = colours if bits == 8 else scaled(colours, 0, 2**bits - 1)
    warnings = check_colour(in_8_bits)
    return np.asarray(Image.fromarray(in_8_bits, "RGB").convert("L")), warnings


def _known(value: str, terms: frozenset[str]) -> str | None:
    return value if value in terms else None
