import numpy as np
import pytest

from pneumoscope.bundle.card import SaliencySpec
from pneumoscope.inference.lung_evidence import covered_share, lung_findings
from pneumoscope.inference.lungs import Lungs

ADDS_UP = SaliencySpec("class activation map", "last", adds_up=True, bias_logit=0.5, scale_logit=1.0)


def lungs_on(shape: tuple[int, int]) -> Lungs:
    """The right lung takes the whole left quarter of the picture, the left one the upper half of the right quarter."""
    right, left = np.zeros(shape, bool), np.zeros(shape, bool)
    right[:, : shape[1] // 4] = True
    left[: shape[0] // 2, -shape[1] // 4 :] = True
    return Lungs(right, left)


def test_evidence_is_divided_by_the_area_that_each_lung_covers():
    saliency_map = np.array([[4.0, 1.0], [-2.0, 3.0]], np.float32)
    findings = lung_findings(lungs_on((8, 8)), saliency_map, ADDS_UP)
    evidence = findings.evidence_logit
    assert evidence is not None
    assert evidence.right_lung == pytest.approx(4.0 / 2 - 2.0 / 2)
    assert evidence.left_lung == pytest.approx(1.0 / 2)
    assert evidence.outside == pytest.approx(4.0 / 2 - 2.0 / 2 + 1.0 / 2 + 3.0)
    assert evidence.bias == 0.5
    assert findings.heat_inside_lungs == pytest.approx((4.0 / 2 + 1.0 / 2) / 8.0)
    assert (findings.right_area_share, findings.left_area_share) == (0.25, 0.125)


def test_the_parts_add_up_to_the_logit_of_every_real_radiograph(predictor, example_radiographs):
    for path in example_radiographs:
        prediction = predictor.predict(path)
        parts = prediction.lungs.evidence_logit
        total = parts.right_lung + parts.left_lung + parts.outside + parts.bias
        assert total == pytest.approx(prediction.logit, abs=1e-4)
        assert prediction.lungs.heat_inside_lungs is None or 0 <= prediction.lungs.heat_inside_lungs <= 1 + 1e-9


def test_grids_that_do_not_fit_share_pixels_between_cells():
    mask = np.array([[True, False, False]])
    assert covered_share(mask, (1, 2)) == pytest.approx(np.array([[2 / 3, 0.0]]))


def test_the_whole_picture_covers_every_cell():
    assert covered_share(np.ones((112, 112), bool), (7, 7)) == pytest.approx(np.ones((7, 7)))


def test_a_map_that_does_not_add_up_has_no_parts():
    spec = SaliencySpec("Grad-CAM", "block5", adds_up=False, bias_logit=0.0, scale_logit=1.0)
    findings = lung_findings(lungs_on((8, 8)), np.ones((2, 2), np.float32), spec)
    assert findings.evidence_logit is None
    assert findings.to_dict()["evidence_logit"] is None


def test_without_positive_evidence_there_is_no_heat_to_share():
    findings = lung_findings(lungs_on((8, 8)), np.full((2, 2), -1, np.float32), ADDS_UP)
    assert findings.heat_inside_lungs is None
