"""Which DICOM files are chest radiographs, and what is taken from their headers."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLosslessSV1

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.dicom import age_years
from pneumoscope.radiograph.reading import radiograph_from_bytes
from support.dicom_makers import dicom_bytes
from support.phantom import chest_phantom
from support.refusals import refusal_of, warning_codes_of

GRAY = chest_phantom(240, 250, np.random.default_rng(5))
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def with_header(**elements: object) -> bytes:
    return dicom_bytes(GRAY, header=elements)


@pytest.mark.parametrize("modality", ["CR", "DX", "RG", "DR", "dx "])
def test_projection_radiography_is_read(modality: str) -> None:
    radiograph = radiograph_from_bytes(with_header(Modality=modality), "file")
    assert np.array_equal(radiograph.gray, GRAY)
    assert radiograph.media_type == "application/dicom"
    assert radiograph.warnings == ()


@pytest.mark.parametrize("modality", ["CT", "MR", "MG", "US", "NM", "PT", "XA", "RF", "XC"])
def test_other_modalities_are_refused_by_name(modality: str) -> None:
    refusal = refusal_of(with_header(Modality=modality))
    assert refusal.code == "unsupported-modality"
    assert f"(0008,0060) Modality is {modality} " in refusal.message


@pytest.mark.parametrize("modality", ["OT", None])
@pytest.mark.parametrize("sop_class", [SECONDARY_CAPTURE, None])
def test_a_modality_that_is_not_stated_is_warned_of(modality: str | None, sop_class: str | None) -> None:
    data = with_header(Modality=modality, SOPClassUID=sop_class)
    assert warning_codes_of(data) == ["modality-not-stated"]


def test_a_modality_that_is_not_stated_must_not_be_contradicted() -> None:
    assert refusal_of(with_header(Modality="OT", SOPClassUID=CT_IMAGE)).code == "unsupported-modality"
    assert refusal_of(with_header(Modality=None, SOPClassUID=CT_IMAGE)).code == "unsupported-modality"


@pytest.mark.parametrize("part", ["CHEST", "THORAX", "LUNG", "RIB", "PORT CHEST", "Chest", "", None, "UNKNOWN"])
def test_the_chest_is_read(part: str | None) -> None:
    assert warning_codes_of(with_header(BodyPartExamined=part)) == []


@pytest.mark.parametrize("part", ["HAND", "SKULL", "ABDOMEN"])
def test_another_part_of_the_body_is_refused_by_name(part: str) -> None:
    refusal = refusal_of(with_header(BodyPartExamined=part))
    assert refusal.code == "unsupported-body-part"
    assert f"(0018,0015) BodyPartExamined names {part}" in refusal.message


def test_frames_are_refused_with_their_number() -> None:
    refusal = refusal_of(with_header(NumberOfFrames="12"))
    assert refusal.code == "multi-frame"
    assert "12 frames" in refusal.message


def test_a_report_holds_no_picture() -> None:
    refusal = refusal_of(dicom_bytes(None, header={"Modality": "SR"}))
    assert refusal.code == "no-pixel-data"
    assert "SR (a report)" in refusal.message


def test_a_directory_holds_no_picture() -> None:
    refusal = refusal_of(dicom_bytes(None, header={"DirectoryRecordSequence": [Dataset()], "Modality": None}))
    assert refusal.code == "no-pixel-data"
    assert "directory" in refusal.message


@pytest.mark.parametrize(("keyword", "dtype"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")])
def test_floating_point_pixels_are_no_radiograph(keyword: str, dtype: str) -> None:
    refusal = refusal_of(dicom_bytes(GRAY, header={keyword: GRAY.astype(dtype).tobytes()}, leave_out=("PixelData",)))
    assert refusal.code == "no-pixel-data"
    assert "floating-point" in refusal.message


@pytest.mark.parametrize(
    ("age", "years"),
    [
        ("004Y", 4.0), ("018M", 1.5), ("026W", 26 / 52.18), ("010D", 10 / 365.25), ("68", 68.0), ("068", 68.0),
        ("", None), ("ADULT", None), ("4.5Y", None), ("-04Y", None), ("1234Y", None),
    ],
)  # fmt: skip
def test_age_is_given_in_years(age: str, years: float | None) -> None:
    assert age_years(age) == years


def test_age_sex_and_view_come_from_the_header() -> None:
    radiograph = radiograph_from_bytes(with_header(PatientAge="018M", PatientSex="F", ViewPosition="AP"), "file")
    assert (radiograph.age_years, radiograph.sex, radiograph.view_position) == (1.5, "F", "AP")


def test_what_is_not_a_term_of_the_standard_is_not_taken_over() -> None:
    radiograph = radiograph_from_bytes(with_header(PatientAge="OLD", PatientSex="X", ViewPosition="SMITH"), "file")
    assert (radiograph.age_years, radiograph.sex, radiograph.view_position) == (None, None, None)


def test_a_deflated_file_is_refused_without_inflating_it() -> None:
    plain, deflated = (
        f"UI{chr(len(uid))}\0{uid}".encode() for uid in ("1.2.840.10008.1.2.1\0", "1.2.840.10008.1.2.1.99")
    )
    data = dicom_bytes(GRAY)
    assert data.count(plain) == 1
    refusal = refusal_of(data.replace(plain, deflated))
    assert refusal.code == "unsupported-transfer-syntax"
    assert "deflated" in refusal.message


NAME = "Doe^Janet"
SECRETS = (NAME, "Janet", "19710305", "MRN-4711", "Riverside")


def identified(**elements: object) -> dict[str, object]:
    return {
        "PatientName": NAME,
        "PatientID": "MRN-4711",
        "PatientBirthDate": "19710305",
        "InstitutionName": "Riverside Hospital",
        **elements,
    }


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "spoil",
    [
        {},
        {"Modality": "CT"},
        {"Modality": NAME},
        {"BodyPartExamined": NAME},
        {"PatientSex": NAME, "ViewPosition": NAME, "PatientAge": "Janet"},
        {"PhotometricInterpretation": NAME},
        {"WindowCenter": "1", "WindowWidth": "0"},
        {"VOILUTFunction": NAME, "WindowCenter": "100", "WindowWidth": "100"},
        {"RescaleSlope": "0"},
        {"Rows": 999},
        {"NumberOfFrames": "3"},
    ],
)
def test_nothing_of_the_patient_reaches_messages_warnings_logs_or_streams(
    spoil: dict[str, object],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:
    caplog.set_level(logging.DEBUG)
    data = dicom_bytes(GRAY, header=identified(**spoil))
    compressed = dicom_bytes(GRAY, transfer_syntax=JPEGLosslessSV1, header=identified(**spoil))
    caplog.clear()
    recwarn.clear()
    capfd.readouterr()
    variants = [data, data[:-5_000], data[132:], data.replace(b"19710305", b"Janet^Do")]
    variants += [compressed, compressed[:-5_000], compressed[:-5_000] + data[:4_000] + compressed[-1_000:]]
    # the name as an invalid value: a decimal string, a date and a unique identifier that are none
    variants += [data.replace(b"MRN-4711", b"\xff\xfeJanet^"), data.replace(b"PN\x0a\0", b"DS\x0a\0")]
    told = []
    for variant in variants:
        try:
            radiograph = radiograph_from_bytes(variant, "file")
            told += [str(radiograph.warnings), str([radiograph.age_years, radiograph.sex, radiograph.view_position])]
        except RefusedRadiograph as error:
            told += [str(error), repr(error), str(error.to_dict()), repr(error.__context__), repr(error.__cause__)]
    out, err = capfd.readouterr()
    told += [out, err, caplog.text, *(str(warning.message) for warning in recwarn)]
    assert not [secret for secret in SECRETS for text in told if secret.upper() in text.upper()]
    assert (out, err, caplog.text, list(recwarn)) == ("", "", "", [])
