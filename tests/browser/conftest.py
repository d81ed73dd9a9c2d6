"""The page in a real browser: the shipped bundle behind a socket of this machine, opened in Debian's Chromium."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from pneumoscope.inference.predictor import Predictor
from pneumoscope.web.application import web_application
from pneumoscope.web.settings import Settings
from support.dicom_makers import dicom_bytes
from support.serving import serving

EXAMPLES = Path(__file__).parents[2] / "examples" / "radiographs"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_MS = 60_000
"""Of a machine that is busy with other things too."""

REBOUND_NAME = "rebound.example"
"""Somebody else's name, which was made to lead to this machine (DNS rebinding)."""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", f"--host-resolver-rules=MAP {REBOUND_NAME} 127.0.0.1"]

Open = Callable[..., Page]
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="no Chromium here; on Debian: apt-get install chromium"))


@pytest.fixture(scope="session")
def shipped() -> Predictor:
    return Predictor.open(threads=1)


@pytest.fixture(scope="package")
def address(shipped: Predictor) -> Iterator[str]:
    with serving(web_application(shipped, Settings(upload_bytes=8 * 2**20, threads=2, waiting=8))) as base_url:
        yield base_url


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """For this package only: while Playwright is open, other tests of the same process cannot run an event loop."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Open]:
    """Open the page in a window of its own; errors of its scripts and of its security policy fail the test."""
    contexts, errors = [], []

    def opening(path: str = "/", *, width: int = 1440, height: int = 900, prepare=None, **options) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, base_url=address, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Security Policy" in message.text else None)
        if prepare:
            prepare(page)
        page.goto(path)
        page.wait_for_selector("body[data-ready]")
        return page

    yield opening
    for context in contexts:
        context.close()
    assert errors == []


def example(name: str) -> Path:
    """A shipped radiograph by the beginning of its name."""
    return next(EXAMPLES.rglob(f"{name}*"))


def give(page: Page, *files: Path | dict) -> None:
    """Choose files as a person does: radiographs by their path, others by name, type and content."""
    page.set_input_files("#files", [in_memory(file) if isinstance(file, Path) else file for file in files])


def in_memory(file: Path) -> dict:
    return {"name": file.name, "mimeType": "image/jpeg", "buffer": file.read_bytes()}


def answered(page: Page) -> None:
    """Wait until an answer is shown with its picture."""
    expect(page.locator("#answered")).to_be_visible()
    expect(page.locator("#method-note")).not_to_be_empty()


def mean_color(page: Page, canvas: str) -> list[float]:
    """Mean red, green, blue and opacity of a canvas."""
    return page.evaluate(
        """selector => {
            const canvas = document.querySelector(selector);
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const sums = [0, 0, 0, 0];
            data.forEach((value, place) => { sums[place % 4] += value; });
            return sums.map((sum) => (4 * sum) / data.length);
        }""",
        canvas,
    )


@pytest.fixture(scope="session")
def chest_dicom() -> bytes:
    """A shipped radiograph as a DICOM file with a name, a number and an age in its header."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.PatientName, dataset.PatientID, dataset.PatientAge = "Doe^Jane", "SECRET-7", "070Y"
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "PA"
    gray = np.asarray(Image.open(example("person1950")).convert("L"))
    dataset.Rows, dataset.Columns = gray.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.PixelData = (gray.astype(np.uint16) * 16).tobytes()
    content = io.BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    return content.getvalue()


@pytest.fixture(scope="session")
def film() -> np.ndarray:
    """A shipped radiograph of 12 bits, 900 pixels wide, so that all values are sent."""
    with Image.open(example("person1950")) as picture:
        small = picture.convert("L").resize((900, 620), Image.Resampling.BILINEAR)
    return np.asarray(small).astype(np.uint16) * 14 + 300


def study(film: np.ndarray, name: str = "study.dcm", photometric: str = "MONOCHROME2", **header) -> dict:
    about = {"Modality": "DX", "BodyPartExamined": "CHEST", "WindowCenter": "2100", "WindowWidth": "2400", **header}
    pixels = 4095 - film if photometric == "MONOCHROME1" else film
    content = dicom_bytes(pixels, bits_stored=12, photometric=photometric, header=about)
    return {"name": name, "mimeType": "application/dicom", "buffer": content}


def ready(page: Page) -> None:
    answered(page)
    expect(page.locator("#preset-field")).to_be_visible()
    expect(page.locator("#level")).to_be_enabled()
