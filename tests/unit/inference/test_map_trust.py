"""When a map is not to be trusted, and what the result says of it."""

from dataclasses import replace

import pytest

from pneumoscope.bundle.map_trust_spec import MapTrustSpec
from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.inference.map_trust import map_trust, map_warnings
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.radiograph import WarningCode


def with_limit(bundle, least_heat_inside):
    spec = None if least_heat_inside is None else MapTrustSpec(least_heat_inside, "", "")
    return replace(bundle, card=replace(bundle.card, map_trust=spec))


def test_a_positive_answer_from_outside_of_the_lungs_is_doubted():
    trust = map_trust(0.3, Decision.PNEUMONIA, least_heat_inside=0.8)
    assert trust.heat_inside_lungs == 0.3
    assert trust.doubt.startswith("Do not trust this map: only 30%")
    assert "80%" in trust.doubt


@pytest.mark.parametrize(
    ("heat", "decision", "limit"),
    [
        (0.8, Decision.PNEUMONIA, 0.8),
        (0.3, Decision.NORMAL, 0.8),
        (None, Decision.PNEUMONIA, 0.8),
        (0.3, Decision.PNEUMONIA, None),
    ],
)
def test_nothing_is_doubted_at_the_limit_below_the_operating_point_or_where_something_is_not_known(
    heat, decision, limit
):
    trust = map_trust(heat, decision, least_heat_inside=limit)
    assert trust.doubt is None
    assert map_warnings(trust) == []


def test_a_doubt_is_one_of_the_warnings_of_the_result(shipped_bundle, example_radiographs):
    path = next(path for path in example_radiographs if path.name.startswith("person1178"))
    usual = Predictor(with_limit(shipped_bundle, 0.01), threads=1).predict(path)
    doubted = Predictor(with_limit(shipped_bundle, 1.0), threads=1).predict(path)
    assert usual.decision is doubted.decision is Decision.PNEUMONIA
    assert WarningCode.MAP_DOUBTFUL not in {warning.code for warning in usual.warnings}
    assert [warning.code for warning in doubted.warnings] == [
        *(warning.code for warning in usual.warnings),
        WarningCode.MAP_DOUBTFUL,
    ]
    assert usual.map_trust.heat_inside_lungs == usual.lungs.heat_inside_lungs
    assert usual.map_trust.least_heat_inside == 0.01
    assert usual.map_trust.doubt is None


def test_without_a_limit_the_share_is_told_and_nothing_is_doubted(shipped_bundle, example_radiographs):
    prediction = Predictor(with_limit(shipped_bundle, None), threads=1).predict(example_radiographs[0])
    assert prediction.map_trust.least_heat_inside is None
    assert prediction.map_trust.doubt is None


def test_without_lungs_nothing_is_said_of_the_map(shipped_bundle, example_radiographs):
    bundle = replace(shipped_bundle, card=replace(shipped_bundle.card, lungs=None), lungs=None)
    assert Predictor(bundle, threads=1).predict(example_radiographs[0]).map_trust is None


def test_the_shipped_limit_was_chosen_on_validation_and_flags_next_to_none_of_it(shipped_bundle):
    spec = shipped_bundle.card.map_trust
    assert spec.provenance["split"] == "validation"
    assert spec.metrics["flagged"] <= spec.provenance["flagged_share"] * spec.metrics["positive_decisions"]
