"""The page gets the values of a file to window them itself: all bits, nothing of the header, and only where there are more."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from support.dicom_makers import dicom_bytes

from .conftest import png_of, upload

FILM = np.tile(np.arange(500, 2500, 20, dtype=np.uint16), (90, 1))


def film(**header) -> bytes:
    header = {"PatientName": "Doe^Jane", "BodyPartExamined": "CHEST", "Modality": "DX", **header}
    return dicom_bytes(FILM, bits_stored=12, transfer_syntax=ExplicitVRLittleEndian, header=header)


def test_the_values_of_a_dicom_file_come_with_the_files_own_window(send):
    data = film(WindowCenter="1000", WindowWidth="401", RescaleSlope="1", RescaleIntercept="-100", RescaleType="HU")
    response = send("POST", "/page/values", **upload(data))
    meaning = json.loads(response.headers["x-values"])
    codes = np.frombuffer(response.content, "<u2").reshape(meaning["rows_px"], meaning["columns_px"])

    assert response.headers["content-encoding"] == "gzip"
    assert np.array_equal(meaning["smallest"] + meaning["step"] * (codes.astype(int) - 1), FILM.astype(int) - 100)
    assert meaning["window"] == {"center": 1000, "width": 401, "exact": False, "stated": True}
    assert (meaning["unit"], meaning["inverted"]) == ("HU", False)
    # white from 999.5 + 200 on, that is from 1300 stored: 60 of 100 columns; 59 without the commonest value
    assert meaning["white_share"] == pytest.approx(0.59)
    # black up to 799.5, that is below 900 stored: 20 of 100 columns
    assert meaning["black_share"] == pytest.approx(0.19)
    assert "Doe" not in str(response.headers)


def test_a_sliver_that_is_cut_off_is_not_told_of(send):
    pixels = send("POST", "/page/values", **upload(film(WindowCenter="1490.5", WindowWidth="1941")))
    meaning = json.loads(pixels.headers["x-values"])

    # black up to 1490 - 970 = 520: 2 of 100 columns, 1 without the commonest value: 1 %; white from 2460 on: 2 columns
    assert (meaning["black_share"], meaning["white_share"]) == (pytest.approx(0.01), pytest.approx(0.01))
    pixels = send("POST", "/page/values", **upload(film(WindowCenter="1490.5", WindowWidth="1961")))
    meaning = json.loads(pixels.headers["x-values"])
    assert (meaning["black_share"], meaning["white_share"]) == (None, None)


def test_the_answer_says_whether_values_are_worth_asking_for(send, bright, dicom):
    assert not send("POST", "/page/prediction", **upload(bright)).json()["may_hold_values"]
    assert send("POST", "/page/prediction", **upload(dicom)).json()["may_hold_values"]


def test_a_file_of_8_bits_has_no_more_to_give_than_its_picture(send, bright):
    response = send("POST", "/page/values", **upload(bright))

    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["x-content-sha256"]


def test_a_16_bit_png_has_values_too(send):
    response = send("POST", "/page/values", **upload(png_of(FILM)))

    assert json.loads(response.headers["x-values"])["window"]["width"] == 4095


@pytest.mark.parametrize("data", [b"", b"no picture", film()[:400], film(Modality="CT")])
def test_what_cannot_be_read_has_no_values(send, data):
    response = send("POST", "/page/values", **upload(data))

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
