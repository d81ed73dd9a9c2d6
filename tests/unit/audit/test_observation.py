import numpy as np
import pytest

from pneumoscope.audit.lungs import MaskFolder, filled
from pneumoscope.audit.observation import AS_IT_IS, laplacian_variance, observe
from pneumoscope.audit.outlines import on_grid_of
from pneumoscope.audit.perturbations import PERTURBATIONS
from pneumoscope.explanation.localization import share_inside
from pneumoscope.radiograph.radiograph import Radiograph
from pneumoscope.radiograph.reading import read_radiograph

USUAL = np.zeros((28, 28), bool)
USUAL[6:22, 4:24] = True


@pytest.fixture(scope="module")
def seen(labelled, predictor):
    masks = MaskFolder(labelled.masks)
    rows = labelled.rows[:2]
    return observe(rows, labelled.data, predictor, masks, USUAL, workers=2, watched=lambda items, total: items)


def logit_of(gray, predictor):
    return predictor.predict_ungated(
        Radiograph(gray=np.ascontiguousarray(gray), source="", media_type="", sha256="")
    ).logit


def test_every_copy_is_answered_as_the_shipped_path_would_answer_its_file(seen, labelled, predictor):
    row = labelled.rows[0]
    gray = read_radiograph(labelled.data / row.path).gray
    mask = MaskFolder(labelled.masks).mask_of(row, gray)
    usual = on_grid_of(USUAL, gray.shape)
    expected = {
        AS_IT_IS: gray,
        "lungs-removed-black": filled(gray, mask, "black"),
        "lungs-removed-mean": filled(gray, mask, "mean"),
        "only-lungs-black": filled(gray, ~mask, "black"),
        "only-lungs-mean": filled(gray, ~mask, "mean"),
        "lungs-removed-usual-black": filled(gray, usual, "black"),
        "lungs-removed-usual-mean": filled(gray, usual, "mean"),
        "only-lungs-usual-black": filled(gray, ~usual, "black"),
        "only-lungs-usual-mean": filled(gray, ~usual, "mean"),
    }
    for perturbation in PERTURBATIONS:
        if not perturbation.name.startswith("small-copy"):
            expected[perturbation.name] = perturbation.change(gray, predictor.preprocessing.size_px)
    logits = seen.seen[0].logits
    assert set(logits) == set(expected)
    for name, picture in expected.items():
        assert logits[name] == pytest.approx(logit_of(picture, predictor), abs=1e-4), name


def test_heat_and_area_are_those_of_the_picture_as_it_is(seen, labelled, predictor):
    path = labelled.data / labelled.rows[1].path
    gray = read_radiograph(path).gray
    mask = MaskFolder(labelled.masks).mask_of(labelled.rows[1], gray)
    on_grid = predictor.preprocessing.sample(mask.astype(np.uint8)).astype(bool)
    expected = share_inside(predictor.predict(path).saliency_map, on_grid)
    assert seen.column("heat_inside")[1] == pytest.approx(expected, abs=1e-5, nan_ok=True)
    assert seen.column("lung_area")[1] == on_grid.mean()
    assert seen.with_mask == 2


def test_without_masks_nothing_that_needs_them_is_there(labelled, predictor):
    rows = labelled.rows[:1]
    seen = observe(rows, labelled.data, predictor, None, None, workers=1, watched=lambda items, total: items)
    assert not [name for name in seen.seen[0].logits if "lungs" in name]
    assert np.isnan(seen.logits("lungs-removed-black")).all()
    assert np.isnan(seen.column("heat_inside")).all()
    assert seen.with_mask == 0


def test_sharpness_is_the_variance_of_the_laplacian():
    gray = np.zeros((3, 4), np.uint8)
    gray[1, 1] = 10  # its own Laplacian is -40, its neighbour's 10
    assert laplacian_variance(gray) == np.var([-40, 10])
