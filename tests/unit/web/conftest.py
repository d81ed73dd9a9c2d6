"""A tiny bundle whose answer can be worked by hand, and a client that talks to the application without a network."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from pneumoscope.bundle.bundle import write_bundle
from pneumoscope.bundle.card import Card, Population, SaliencySpec
from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.web.application import web_application
from pneumoscope.web.settings import Settings

MOST_BYTES = 256 * 1024
Send = Callable[..., httpx.Response]


def tiny_graph() -> bytes:
    """Logit = mean gray value of the picture; the map holds the means of 32 px squares; two embedding channels."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", ["radiograph"], ["cells"], kernel_shape=[32, 32], strides=[32, 32]),
            helper.make_node("Squeeze", ["cells", "one"], ["saliency_map"]),
            helper.make_node("ReduceMean", ["radiograph", "all"], ["logit"], keepdims=0),
            helper.make_node("Unsqueeze", ["logit", "one"], ["column"]),
            helper.make_node("Concat", ["column", "column"], ["embedding"], axis=1),
        ],
        "tiny",
        [value("radiograph", TensorProto.FLOAT, ["batch", 1, 64, 64])],
        [
            value("logit", TensorProto.FLOAT, ["batch"]),
            value("saliency_map", TensorProto.FLOAT, ["batch", 2, 2]),
            value("embedding", TensorProto.FLOAT, ["batch", 2]),
        ],
        [
            helper.make_tensor("one", TensorProto.INT64, [1], [1]),
            helper.make_tensor("all", TensorProto.INT64, [3], [1, 2, 3]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def tiny_card() -> Card:
    """Calibration: probability one half at mean gray 0.5, far from it elsewhere; threshold 0.3."""
    return Card(
        name="tiny",
        version="1",
        intended_use="Tests <only> & nothing else.",
        preprocessing=Preprocessing(size_px=64),
        labels=("NORMAL", "PNEUMONIA"),
        calibration=PlattCalibration(slope=8.0, intercept=-4.0),
        operating_points=(
            OperatingPoint(
                "balanced",
                0.3,
                0.9,
                0.8,
                "validation",
                "likelihood ratio 1: the probability is the share of pneumonia assumed, 30%",
            ),
            OperatingPoint("rule-in", 0.9, 0.6, 0.99, "validation", "specificity >= 0.98"),
        ),
        default_operating_point="balanced",
        saliency=SaliencySpec("class activation map", "last", adds_up=True, bias_logit=0.0, scale_logit=1.0),
        population=Population("Children", (1.0, 5.0), ("AP",)),
    )


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(folder, tiny_card(), tiny_graph())
    return folder


@pytest.fixture(scope="session")
def predictor(tiny_bundle: Path) -> Predictor:
    return Predictor.open(tiny_bundle, threads=1)


@pytest.fixture(scope="module")
def application(predictor: Predictor):
    return web_application(predictor, settings())


@pytest.fixture
def send(application) -> Send:
    """Send one request and wait for the answer."""
    return sender(application)


@pytest.fixture
def send_to(predictor: Predictor):
    """As `send`, to a server with other settings, which is shut down after the test."""
    opened = []

    def opening(**changes) -> Send:
        opened.append(web_application(predictor, settings(**changes)))
        return sender(opened[-1])

    yield opening
    for application in opened:
        asyncio.run(shut_down(application))


def settings(**changes) -> Settings:
    return Settings(**{"upload_bytes": MOST_BYTES, "threads": 1, "waiting": 1, **changes})


def sender(application) -> Send:
    def request(method: str, path: str, **content) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(application)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:5000") as client:
                return await client.request(method, path, **content)

        return asyncio.run(once())

    return request


async def shut_down(application) -> None:
    """As a server does: what runs is finished, what waits in jobs stays."""
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive():
        return next(messages)

    async def send(message):
        assert not message["type"].endswith("failed")

    await application({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)


def upload(data: bytes, name: str = "radiograph.png") -> dict:
    return {"files": {"file": (name, data)}}


def uploads(*files: bytes) -> dict:
    return {"files": [("file", (f"{place}.png", data)) for place, data in enumerate(files)]}


def gray_png(level: int, *, columns: int = 96, rows: int = 80) -> bytes:
    """A ramp around a mean gray level: not blank, and its mean is known."""
    ramp = np.linspace(level - 20, level + 20, columns)
    picture = np.tile(np.rint(ramp).clip(0, 255).astype(np.uint8), (rows, 1))
    return png_of(picture)


def png_of(picture: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="session")
def bright() -> bytes:
    """Mean gray about 0.75: probability sigmoid(8 * 0.75 - 4) = sigmoid(2) = 0.88, PNEUMONIA."""
    return gray_png(191)


@pytest.fixture(scope="session")
def dark() -> bytes:
    """Mean gray about 0.25: probability sigmoid(8 * 0.25 - 4) = sigmoid(-2) = 0.12, NORMAL."""
    return gray_png(64)


@pytest.fixture(scope="session")
def dicom() -> bytes:
    """A chest radiograph in DICOM with a name in its header."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.PatientName = "Doe^Jane"
    dataset.PatientID = "SECRET-7"
    dataset.PatientAge = "070Y"
    dataset.Modality = "DX"
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = "PA"
    dataset.Rows = dataset.Columns = 128
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    dataset.PixelData = np.tile(np.arange(60, 188, dtype=np.uint8), (128, 1)).tobytes()
    content = io.BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    return content.getvalue()
