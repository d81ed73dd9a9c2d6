import io
import subprocess
import sys

import matplotlib as mpl
import pytest
from PIL import Image

from pneumoscope.errors import MissingExtra, UnusableOption, UnusableOutput
from pneumoscope.evaluation.curves import roc_curve, score_histogram
from pneumoscope.figures.caption import Measured
from pneumoscope.figures.roc import RocSeries, roc_figure
from pneumoscope.figures.save import save_figure
from pneumoscope.figures.score_histogram import score_histogram_figure
from pneumoscope.figures.style import SERIES, figure_style
from pneumoscope.figures.training_curves import training_curves

ROWS = [{"epoch": 1.0, "loss": 0.5}, {"epoch": 2.0, "loss": 0.25}]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_figure_is_the_same_bytes_drawn_anew_or_saved_again(tmp_path, scores, suffix):
    first, second, again = (tmp_path / f"{name}{suffix}" for name in ("first", "second", "again"))
    figure = score_histogram_figure(score_histogram(*scores), thresholds=[("balanced", 0.5)], caption="a caption")
    save_figure(figure, first)
    save_figure(figure, again)
    save_figure(
        score_histogram_figure(score_histogram(*scores), thresholds=[("balanced", 0.5)], caption="a caption"), second
    )
    assert first.read_bytes() == second.read_bytes() == again.read_bytes()


def test_a_png_is_1200_px_wide_on_white_and_says_nothing_of_when_or_by_what(tmp_path, scores):
    save_figure(roc_figure([RocSeries("a model", roc_curve(*scores))]), tmp_path / "new" / "roc.PNG")
    with Image.open(tmp_path / "new" / "roc.PNG") as picture:
        assert picture.format == "PNG"
        assert picture.width == 1200
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
        assert set(picture.info) <= {"dpi"}


def test_an_svg_holds_no_date_and_no_maker(tmp_path):
    save_figure(training_curves(ROWS), tmp_path / "curves.svg")
    text = (tmp_path / "curves.svg").read_text("utf-8")
    assert "<svg" in text
    assert not [word for word in ("dc:date", "dc:creator") if word in text]


def test_a_figure_that_cannot_be_drawn_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "curves.png"
    path.write_bytes(b"older")
    figure = training_curves(ROWS)
    monkeypatch.setattr(figure, "savefig", lambda file, **_: file.write(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_figure(figure, path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("curves.png", b"older")]


def test_a_place_that_cannot_be_written_and_another_format_are_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnusableOutput):
        save_figure(training_curves(ROWS), tmp_path / "file" / "curves.png")
    with pytest.raises(UnusableOption, match=r"figure-format.*\.png or \.svg"):
        save_figure(training_curves(ROWS), tmp_path / "curves.jpeg")


def test_the_settings_of_the_user_neither_matter_nor_change(tmp_path):
    def drawn():
        figure = training_curves(ROWS)
        content = io.BytesIO()
        with figure_style():
            figure.savefig(content, format="png", metadata={"Software": None})
        return content.getvalue()

    plain = drawn()
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30, "savefig.dpi": 10}):
        assert drawn() == plain
        assert mpl.rcParams["font.size"] == 30


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"figures-extra-missing.*pip install '\.\[figures\]' in a copy"):
        training_curves(ROWS)


def test_importing_the_figures_costs_no_matplotlib_and_drawing_them_no_pyplot():
    code = """
import sys, importlib, pkgutil, pneumoscope.figures
for module in pkgutil.iter_modules(pneumoscope.figures.__path__):
    importlib.import_module(f"pneumoscope.figures.{module.name}")
assert "matplotlib" not in sys.modules
from pneumoscope.figures.training_curves import training_curves
training_curves([{"epoch": 1.0, "loss": 0.5}])
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert found.returncode == 0, found.stderr


def test_any_two_series_differ_in_colour_and_line_and_marker_and_hatch():
    for part in ("color", "line", "marker", "hatch"):
        assert len({getattr(look, part) for look in SERIES}) == len(SERIES) == 6


def test_a_caption_says_on_how_many_radiographs_and_patients():
    measured = Measured("official test", 1624, 1, 390, "efficientnet-lite0 0.1.0")
    assert measured.line("2,000 resamples") == (
        "official test: 1,624 radiographs of 1 patient, 390 with pneumonia · efficientnet-lite0 0.1.0 · 2,000 resamples"
    )


def test_the_caption_stands_in_the_figure_and_a_long_one_is_broken(words):
    assert "on ten radiographs" in words(training_curves(ROWS, caption="on ten radiographs"))
    figure = training_curves(ROWS, caption="word " * 60)
    assert all(len(line) <= 115 for line in words(figure).splitlines())
