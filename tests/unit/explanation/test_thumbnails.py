import io

import numpy as np
import pytest
from PIL import Image

from pneumoscope.explanation.case_strip import CaseStrip, below, draw_strip
from pneumoscope.explanation.lettering import ELLIPSIS, lettered
from pneumoscope.explanation.similar_cases import SimilarCase
from pneumoscope.explanation.thumbnails import picture_of, thumbnail_of

RAMP = np.tile(np.linspace(0, 255, 400).astype(np.uint8), (200, 1))


def case(thumbnail: bytes | None) -> SimilarCase:
    return SimilarCase("train/a.jpeg", "PNEUMONIA", "viral", "p", 0.25, thumbnail)


def test_a_thumbnail_is_a_small_webp_of_the_same_shape_and_grays():
    content = thumbnail_of(RAMP)
    with Image.open(io.BytesIO(content)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (64, 32))
    assert len(content) < 1000
    expected = np.tile(np.linspace(2, 253, 64), (32, 1))
    assert np.abs(np.asarray(picture_of(content)).astype(int) - expected).mean() < 4


def test_a_small_picture_is_not_enlarged():
    assert picture_of(thumbnail_of(RAMP[:20, :40])).size == (40, 20)


@pytest.mark.parametrize("content", [b"", b"RIFF\x00\x00\x00\x00WEBPVP8 ", b"\x89PNG\r\n"])
def test_other_bytes_are_no_thumbnail(content):
    with pytest.raises(ValueError, match="thumbnail"):
        picture_of(content)


def test_the_strip_shows_the_thumbnail_enlarged_and_an_empty_frame_where_there_is_none():
    with_one, without = (
        np.asarray(draw_strip(CaseStrip(cases=(case(thumbnail),)), 800, 20)) for thumbnail in (thumbnail_of(RAMP), None)
    )
    changed = (with_one != without).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert np.ptp(columns) == pytest.approx(160, abs=3)
    assert np.ptp(rows) == pytest.approx(80, abs=3)


def test_the_strip_goes_below_and_wraps_and_the_attribution_takes_a_line():
    sheet = Image.new("RGB", (800, 300))
    one = below(sheet, CaseStrip(cases=(case(None),)), 20)
    told = below(sheet, CaseStrip(cases=(case(None),), attribution="Somebody, CC BY 4.0"), 20)
    many = below(sheet, CaseStrip(cases=(case(None),) * 9), 20)
    assert (np.asarray(one)[:300] == 0).all()
    assert told.height == one.height + 30
    assert many.height - one.height == 2 * (160 + 3 * 30)  # four in a row of 784 px
    assert one.width == many.width == 800


def test_the_whole_attribution_is_drawn_at_the_narrowest_width(monkeypatch):
    drawn: list[str] = []
    monkeypatch.setattr(
        "pneumoscope.explanation.lettering.lettered", lambda *text: drawn.append(text[0]) or lettered(*text)
    )
    attribution = (
        "Kermany D, Zhang K, Goldbaum M; Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for "
        "Classification; doi:10.17632/rscbjbr9sj; CC BY 4.0; reduced in size"
    )
    narrow = 15 * 54 + 36
    plain = draw_strip(CaseStrip(cases=(case(None),)), narrow, 15)
    told = draw_strip(CaseStrip(cases=(case(None),), attribution=attribution), narrow, 15)
    assert f"Small pictures: {attribution}" in " ".join(drawn)
    assert not any(ELLIPSIS in line for line in drawn)
    assert told.height == plain.height + 2 * 22
    assert np.asarray(told)[-22:].max() > 100  # the second line is on the picture
