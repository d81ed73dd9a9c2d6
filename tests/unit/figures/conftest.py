"""What the tests of figures share: a small table of scores, and a way to find what was drawn."""

import numpy as np
import pytest

from pneumoscope.evaluation.metrics import ConfusionCounts
from pneumoscope.figures.values import MeasuredPoint


@pytest.fixture
def scores(generator):
    """Probabilities of 60 radiographs, half of them with the finding, and the reference standard."""
    labels = np.repeat([True, False], 30)
    return np.concatenate([generator.beta(5, 2, 30), generator.beta(2, 5, 30)]), labels


@pytest.fixture
def points():
    """Sensitivity 0.9 and specificity 0.8; then 0.95 and 0.6; PPV 90/110 and 95/135."""
    return [
        MeasuredPoint("balanced", 0.5, ConfusionCounts(90, 10, 80, 20)),
        MeasuredPoint("screening", 0.2, ConfusionCounts(95, 5, 60, 40)),
    ]


@pytest.fixture
def line_named():
    def found(axes, name):
        return next(line for line in axes.lines if str(line.get_label()).startswith(name))

    return found


@pytest.fixture
def words():
    """Every text of a figure, legends included, joined."""
    from matplotlib.text import Text

    return lambda figure: "\n".join(text.get_text() for text in figure.findobj(Text) if text.get_text())
