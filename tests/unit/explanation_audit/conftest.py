"""A network that has learnt planted opacities, as a bundle that opens, and the program to run on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.bundle.bundle import Bundle, open_bundle, write_bundle
from pneumoscope.bundle.card import SaliencySpec
from pneumoscope.dataset.manifest import Label, ManifestRow, Split, write_manifest
from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.model.export import export_onnx
from pneumoscope.radiograph.preprocessing import Preprocessing
from support.planted_films import SIZE_PX, PlantedFilms, phantom_lungs, planted_films, trained_tiny


@pytest.fixture(scope="session")
def training_films() -> PlantedFilms:
    return planted_films(480, np.random.default_rng(0))


@pytest.fixture(scope="session")
def films() -> PlantedFilms:
    """Those that nothing was trained on."""
    return planted_films(60, np.random.default_rng(1))


@pytest.fixture(scope="session")
def network(training_films):
    """It has learnt from the films' own labels."""
    return trained_tiny(training_films, training_films.labels)


@pytest.fixture(scope="session")
def bundle(network, tmp_path_factory) -> Bundle:
    """The network as a bundle without a lung segmentation."""
    point = OperatingPoint("balanced", 0.5, 0.9, 0.9, "validation", "given")
    card = replace(
        open_bundle().card,
        name="planted",
        preprocessing=Preprocessing(SIZE_PX),
        calibration=PlattCalibration(1.0, 0.0),
        operating_points=(point,),
        saliency=SaliencySpec(network.saliency_method, network.feature_map_name, True, network.bias_logit(), 1.0),
        lungs=None,
    )
    model = export_onnx(network, size_px=SIZE_PX).SerializeToString()
    return write_bundle(tmp_path_factory.mktemp("bundle"), card, model)


@dataclass(frozen=True)
class PlantedFolder:
    data: Path
    masks: Path
    manifest: Path
    boxes: Path
    rows: tuple[ManifestRow, ...]


@pytest.fixture(scope="session")
def planted_folder(films, tmp_path_factory) -> PlantedFolder:
    """Four train and twelve validation films on disk; the boxes stand about the opacities."""
    root = tmp_path_factory.mktemp("planted")
    rows, boxes = [], ["path,x,y,width,height,label"]
    for number in range(16):
        opacity = films.opacities[number]
        label = Label.NORMAL if opacity is None else Label.PNEUMONIA
        path = f"films/{number}.png"
        for folder, picture in (("data", films.grays[number]), ("masks", phantom_lungs().astype(np.uint8) * 255)):
            (root / folder / "films").mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(root / folder / path)
        split = Split.TRAIN if number < 4 else Split.VALIDATION
        rows.append(ManifestRow(path, f"{number:064}", label, "", f"p{number // 2}", split, SIZE_PX, SIZE_PX, "L"))
        if opacity and split is Split.VALIDATION:
            radius = opacity.radius_px
            boxes.append(
                f"{path},{opacity.column_px - radius},{opacity.row_px - radius},{2 * radius},{2 * radius},opacity"
            )
    write_manifest(rows, root / "manifest.csv")
    (root / "boxes.csv").write_text("\n".join(boxes) + "\n")
    return PlantedFolder(root / "data", root / "masks", root / "manifest.csv", root / "boxes.csv", tuple(rows))
