import math

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from pneumoscope.training import validation
from pneumoscope.training.setting import Setting
from pneumoscope.training.supply import PictureSupply
from pneumoscope.training.validation import balanced_loss, validation_logits, validation_metrics
from pneumoscope.training.whole_run import network

LOGITS = np.array([-2.0, 0.5, 1.0, 3.0, -1.0])
TARGETS = np.array([0, 0, 1, 1, 1], np.float32)


def test_the_loss_is_the_mean_of_both_classes_means():
    by_hand = 0.5 * (math.log1p(math.exp(-2)) + math.log1p(math.exp(0.5))) / 2
    by_hand += 0.5 * (math.log1p(math.exp(-1)) + math.log1p(math.exp(-3)) + math.log1p(math.exp(1))) / 3
    assert balanced_loss(LOGITS, TARGETS) == pytest.approx(by_hand)


def test_metrics_are_those_of_scikit_learn():
    found = validation_metrics(LOGITS, TARGETS)
    weights = np.where(TARGETS > 0.5, 1 / 3, 1 / 2)
    assert found["validation_loss"] == pytest.approx(
        log_loss(TARGETS, 1 / (1 + np.exp(-LOGITS)), sample_weight=weights)
    )
    assert found["validation_auroc"] == pytest.approx(roc_auc_score(TARGETS, LOGITS))
    assert found["validation_accuracy"] == 3 / 5


def test_large_logits_do_not_overflow():
    assert balanced_loss(np.array([900.0, -900.0]), np.array([0.0, 1.0])) == pytest.approx(900)


def test_logits_come_in_the_order_of_the_validation_part_whatever_the_batch(recipe, parts, tmp_path, monkeypatch):
    setting = Setting(tmp_path, 3)
    model = network(recipe, None, setting)
    model.head.weight.data.fill_(0.1)
    supply = PictureSupply(recipe, recipe.stages[0], *parts, setting.compute)
    whole = validation_logits(model, supply, setting)
    monkeypatch.setattr(validation, "BATCH", 5)
    assert validation_logits(model, supply, setting) == pytest.approx(whole, abs=1e-5)
    assert whole.shape == (12,)
    assert len({round(float(logit), 6) for logit in whole}) == 12
    assert not model.training
