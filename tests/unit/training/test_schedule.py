import math
from dataclasses import replace

import pytest

from pneumoscope.training.schedule import Progression, learning_rate


@pytest.fixture
def stage(recipe):
    return replace(recipe.stages[0], learning_rate=1.0, final_learning_rate=0.0, warmup_steps=4)


def metrics(loss=0.5, auroc=0.5, accuracy=0.5):
    return {"validation_loss": loss, "validation_auroc": auroc, "validation_accuracy": accuracy}


def taken(recipe, *epochs):
    """A progression after these epochs, and which of them were the best so far."""
    progression = Progression()
    better = [progression.take(recipe, number, metrics=of_epoch) for number, of_epoch in enumerate(epochs, 1)]
    return progression, better


def test_the_rate_warms_up_linearly_then_falls_as_a_cosine(recipe, stage):
    rates = [learning_rate(recipe, stage, step, 12, rate_factor=1.0) for step in range(13)]
    assert rates[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert rates[6] == pytest.approx(0.5 * (1 + math.sqrt(0.5)))
    assert rates[8] == pytest.approx(0.5)
    assert rates[10] == pytest.approx(0.5 * (1 - math.sqrt(0.5)))
    assert rates[12] == pytest.approx(0.0)


def test_the_cosine_ends_at_the_final_rate(recipe, stage):
    stage = replace(stage, final_learning_rate=0.2)
    assert learning_rate(recipe, stage, 12, 12, rate_factor=1.0) == pytest.approx(0.2)
    assert learning_rate(recipe, stage, 8, 12, rate_factor=1.0) == pytest.approx(0.6)


def test_the_cosine_knows_no_plateau(recipe, stage):
    assert learning_rate(recipe, stage, 8, 12, rate_factor=0.5) == pytest.approx(0.5)


def test_without_warm_up_the_first_step_has_the_full_rate(recipe, stage):
    assert learning_rate(recipe, replace(stage, warmup_steps=0), 0, 12, rate_factor=1.0) == 1.0


def test_a_warm_up_longer_than_the_stage_never_divides_by_zero(recipe, stage):
    assert learning_rate(recipe, replace(stage, warmup_steps=20), 11, 12, rate_factor=1.0) == pytest.approx(0.6)


def test_on_the_plateau_schedule_the_rate_is_constant_but_for_the_factor_and_never_below_the_final(recipe, stage):
    recipe, stage = replace(recipe, schedule="plateau"), replace(stage, final_learning_rate=0.3)
    assert [learning_rate(recipe, stage, step, 12, rate_factor=1.0) for step in (0, 3, 4, 11)] == [0.25, 1.0, 1.0, 1.0]
    assert learning_rate(recipe, stage, 5, 12, rate_factor=0.5) == 0.5
    assert learning_rate(recipe, stage, 5, 12, rate_factor=0.25) == 0.3


def test_after_each_patience_without_a_lower_loss_the_rate_is_halved(recipe):
    recipe = replace(recipe, schedule="plateau", plateau_patience=2, plateau_factor=0.5)
    factors = []
    progression = Progression()
    for epoch, loss in enumerate([0.50, 0.40, 0.41, 0.40, 0.42, 0.43, 0.30, 0.31], 1):
        progression.take(recipe, epoch, metrics=metrics(loss=loss))
        factors.append(progression.rate_factor)
    assert factors == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_a_fall_of_less_than_a_ten_thousandth_is_a_plateau(recipe):
    recipe = replace(recipe, schedule="plateau", plateau_patience=1, plateau_factor=0.5)
    assert taken(recipe, metrics(loss=0.5), metrics(loss=0.49995))[0].rate_factor == 0.5
    assert taken(recipe, metrics(loss=0.5), metrics(loss=0.4998))[0].rate_factor == 1


def test_the_cosine_schedule_keeps_the_factor_at_1(recipe):
    recipe = replace(recipe, schedule="cosine", plateau_patience=1, plateau_factor=0.5)
    assert taken(recipe, metrics(), metrics(), metrics())[0].rate_factor == 1


@pytest.mark.parametrize(
    ("keep", "best"), [("validation_loss", 2), ("validation_auroc", 3), ("validation_accuracy", 4), ("last", 2)]
)
def test_each_metric_finds_its_best_epoch(recipe, keep, best):
    progression, better = taken(
        replace(recipe, keep=keep),
        metrics(loss=0.50, auroc=0.60, accuracy=0.70),
        metrics(loss=0.30, auroc=0.55, accuracy=0.65),
        metrics(loss=0.40, auroc=0.90, accuracy=0.60),
        metrics(loss=0.45, auroc=0.80, accuracy=0.95),
    )
    assert progression.best_epoch == best
    assert better == [True, *(epoch == best for epoch in (2, 3, 4))]


def test_of_equal_epochs_the_first_is_kept(recipe):
    progression, better = taken(replace(recipe, keep="validation_auroc"), metrics(auroc=0.9), metrics(auroc=0.9))
    assert (progression.best_epoch, better) == (1, [True, False])


def test_a_run_stops_after_its_patience_without_a_better_epoch(recipe):
    recipe = replace(recipe, keep="validation_auroc", early_stopping_patience=2)
    epochs = [metrics(auroc=auroc) for auroc in (0.6, 0.5, 0.7, 0.65, 0.7)]
    assert [taken(recipe, *epochs[:count])[0].stopped_early for count in range(1, 6)] == [False] * 4 + [True]


def test_without_patience_no_run_stops_early(recipe):
    recipe = replace(recipe, early_stopping_patience=0)
    assert not taken(recipe, *[metrics(loss=float(epoch)) for epoch in range(20)])[0].stopped_early


def test_a_patience_of_0_leaves_the_rate_alone(recipe):
    recipe = replace(recipe, schedule="plateau", plateau_patience=0, plateau_factor=0.5)
    assert taken(recipe, *[metrics(loss=0.5)] * 4)[0].rate_factor == 1
