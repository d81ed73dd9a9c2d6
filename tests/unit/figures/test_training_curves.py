import numpy as np
import pytest

from pneumoscope.errors import UnusableData
from pneumoscope.figures.history import read_history
from pneumoscope.figures.save import save_figure
from pneumoscope.figures.training_curves import training_curves

ROWS = [
    {"epoch": 1.0, "size_px": 160.0, "learning_rate": 3e-4, "loss": 0.5, "validation_loss": 0.3, "seconds": 80.0},
    {"epoch": 2.0, "size_px": 160.0, "learning_rate": 2e-4, "loss": 0.4, "validation_loss": 0.2, "seconds": 80.0},
    {"epoch": 3.0, "size_px": 224.0, "learning_rate": 1e-4, "loss": 0.3, "seconds": 150.0},
]


def test_what_is_drawn_is_what_the_history_holds(line_named):
    loss, learning_rate = training_curves(ROWS).axes
    assert line_named(loss, "training").get_xydata().tolist() == [[1, 0.5], [2, 0.4], [3, 0.3]]
    assert line_named(learning_rate, "learning rate").get_ydata().tolist() == [3e-4, 2e-4, 1e-4]
    assert learning_rate.get_yscale() == "log"


def test_an_epoch_without_a_value_is_a_gap_and_a_column_that_is_not_there_is_no_panel(line_named):
    loss, *others = training_curves(ROWS).axes
    np.testing.assert_array_equal(line_named(loss, "validation").get_ydata(), [0.3, 0.2, np.nan])
    assert [axes.get_title(loc="left") for axes in others] == ["Learning rate"]


def test_training_and_validation_differ_in_colour_and_line_and_marker(line_named):
    loss = training_curves(ROWS).axes[0]
    one, other = line_named(loss, "training"), line_named(loss, "validation")
    assert one.get_color() != other.get_color()
    assert one.get_linestyle() != other.get_linestyle()
    assert one.get_marker() != other.get_marker()


def test_a_change_of_picture_size_is_marked_half_an_epoch_before_it():
    loss = training_curves(ROWS).axes[0]
    assert [text.get_text().strip() for text in loss.texts] == ["160 → 224 px"]
    assert [line.get_xdata()[0] for line in loss.lines if line.get_linestyle() == ":"] == [2.5]


def test_the_kept_epoch_is_starred_where_its_values_are(line_named):
    loss = training_curves(ROWS, selected_epoch=2).axes[0]
    stars = [line.get_xydata().tolist() for line in loss.lines if line.get_marker() == "*"]
    assert stars == [[[2, 0.4]], [[2, 0.2]]]
    assert line_named(loss, "epoch 2, kept")


def test_one_epoch_is_enough_and_none_is_refused():
    assert len(training_curves(ROWS[:1], selected_epoch=1).axes) == 2
    with pytest.raises(UnusableData, match="figure-empty"):
        training_curves([])
    with pytest.raises(UnusableData, match="figure-empty"):
        training_curves([{"epoch": 1.0, "seconds": 3.0}])


def test_a_learning_rate_of_0_and_a_loss_that_is_no_number_can_be_drawn(tmp_path):
    rows = [{"epoch": 1.0, "learning_rate": 0.0, "loss": float("nan")}]
    save_figure(training_curves(rows, selected_epoch=1), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").is_file()


def test_a_history_is_read_with_columns_missing_extra_and_of_text(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,validation_auroc,remark\n1,0.5,,first\n2,0.25,0.9,\n", "utf-8")
    assert read_history(path) == [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25, "validation_auroc": 0.9}]


@pytest.mark.parametrize("content", [b"", b"epoch,loss\n", b"loss\n0.5\n", b"\xff\xfe\x00\x80\n\x81"])
def test_what_is_no_history_is_refused_by_name(tmp_path, content):
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    with pytest.raises(UnusableData, match=r"history\.csv .*\[history-"):
        read_history(path)


def test_a_history_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UnusableData, match="history-unreadable"):
        read_history(tmp_path / "history.csv")
