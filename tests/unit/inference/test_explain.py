"""With which other map the bundle's own is compared."""

import numpy as np
import pytest

from pneumoscope.explanation.methods import Explanation, Method
from pneumoscope.inference.explain import compared
from pneumoscope.inference.explainable import ExplainableBundle
from pneumoscope.radiograph.reading import read_radiograph


@pytest.fixture(scope="module")
def asked(predictor, example_radiographs):
    """A prediction, and what `compared` needs besides the map of another method."""
    radiograph = read_radiograph(next(path for path in example_radiographs if path.name.startswith("person1178")))
    return predictor.predict(radiograph), predictor.preprocessing(radiograph.gray), ExplainableBundle(predictor)


def trust(asked, method, masks, planned_masks):
    """Of a map that is the bundle's own upside down in sign, so that its agreement would be -1."""
    prediction, picture, model = asked
    opposite = Explanation(
        method=method,
        saliency_map=-prediction.saliency_map,
        unit="",
        masks=masks,
        planned_masks=planned_masks,
    )
    return compared(prediction, opposite, picture, model)


@pytest.mark.parametrize(("method", "masks"), [(Method.OCCLUSION, 169), (Method.RISE, 500)])
def test_a_finished_map_of_another_method_is_compared_with_the_bundles_own(asked, method, masks):
    found = trust(asked, method, masks, masks)
    assert found.agreement_with == method
    assert found.agreement == pytest.approx(-1)


@pytest.mark.parametrize(
    ("method", "masks", "planned_masks"),
    [
        (Method.GRAD_CAM, 0, 0),
        (Method.OCCLUSION, 16, 169),
        (Method.RISE, 499, 499),
        (Method.RISE, 500, 2000),
    ],
)
def test_an_unfinished_map_or_rise_of_few_masks_is_not_and_occlusion_is_asked(asked, method, masks, planned_masks):
    found = trust(asked, method, masks, planned_masks)
    assert found.agreement_with == Method.OCCLUSION
    assert found.agreement > -0.9
    assert np.isfinite(found.agreement)
