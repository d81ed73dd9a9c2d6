"""How a training went, epoch by epoch: losses, validation metrics, learning rate, evidence outside the lungs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from jaxtyping import Float

from pneumoscope.figures.history import HistoryRow
from pneumoscope.figures.style import BLACK, GRAY, SERIES, blank_figure, figure_style
from pneumoscope.figures.values import refuse_nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_HEIGHT_INCHES: Final = 2.7
STAR: Final[dict[str, Any]] = {"marker": "*", "markersize": 15, "color": BLACK, "markeredgecolor": "white", "zorder": 4}


@dataclass(frozen=True, slots=True)
class Panel:
    """Columns of the history that share an axis, each with the name a reader knows it by."""

    title: str
    y_label: str
    columns: tuple[tuple[str, str], ...]
    scale: str = "linear"


PANELS: Final = (
    Panel("Loss", "nats", (("loss", "training"), ("validation_loss", "validation"))),
    Panel(
        "Validation metrics",
        "fraction",
        (("validation_auroc", "AUROC"), ("validation_accuracy", "accuracy")),
    ),
    Panel("Learning rate", "step size", (("learning_rate", "learning rate"),), "log"),
    Panel("Evidence outside the lungs", "share of positive evidence", (("outside_share", "training"),)),
)


def training_curves(rows: Sequence[HistoryRow], *, selected_epoch: int | None = None, caption: str = "") -> Figure:
    """One panel for each quantity that the history has; a column that is missing, in all or some epochs, is not drawn.

    Dotted lines stand where the picture size changes; `selected_epoch` is the one whose weights were kept.
    `UnusableData` where none of the known columns is there.
    """
    panels = [panel for panel in PANELS if any(column in row for column, _ in panel.columns for row in rows)]
    refuse_nothing(len(panels), what="epoch with a known column")
    columns = min(2, len(panels))
    lines = -(-len(panels) // columns)
    with figure_style():
        figure = blank_figure(title="Training", caption=caption, height_inches=0.9 + PANEL_HEIGHT_INCHES * lines)
        for number, panel in enumerate(panels):
            axes = figure.add_subplot(lines, columns, number + 1)
            draw_panel(axes, panel, rows, selected_epoch)
            mark_sizes(axes, rows)
    return figure


def draw_panel(axes: Axes, panel: Panel, rows: Sequence[HistoryRow], selected_epoch: int | None) -> None:
    """The columns of one panel over the epochs, the selected epoch starred."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    epochs = column_of(rows, "epoch")
    drawn = [entry for entry in panel.columns if any(entry[0] in row for row in rows)]
    for look, (column, name) in zip(SERIES, panel.columns, strict=False):
        if (column, name) not in drawn:
            continue
        values = column_of(rows, column)
        axes.plot(epochs, values, color=look.color, linestyle=look.line, marker=look.marker, label=name)
        at = epochs == selected_epoch
        told = f"epoch {selected_epoch}, kept" if at.any() and column == drawn[-1][0] else None
        axes.plot(epochs[at], values[at], linestyle="none", label=told, **STAR)
    any_positive = any(row.get(column, 0) > 0 for column, _ in drawn for row in rows)
    axes.set(title=panel.title, xlabel="epoch", ylabel=panel.y_label, yscale=panel.scale if any_positive else "linear")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(drawn) > 1:
        axes.legend()


def mark_sizes(axes: Axes, rows: Sequence[HistoryRow]) -> None:
    """A dotted line before the first epoch of each new picture size, named above it."""
    above = axes.get_xaxis_transform()
    for epoch, change in size_changes(rows):
        axes.axvline(epoch - 0.5, color=GRAY, linestyle=":", linewidth=1.3)
        axes.text(epoch - 0.5, 1.0, f" {change}", transform=above, ha="left", va="bottom", fontsize=8, color=GRAY)


def size_changes(rows: Sequence[HistoryRow]) -> Iterator[tuple[float, str]]:
    """(epoch, "160 → 224 px") wherever the size is another than in the row before."""
    for before, row in pairwise(rows):
        if "size_px" in before and "size_px" in row and before["size_px"] != row["size_px"]:
            yield row["epoch"], f"{before['size_px']:g} → {row['size_px']:g} px"


def column_of(rows: Sequence[HistoryRow], name: str) -> Float[np.ndarray, " epochs"]:
    """The column's values, NaN where a row does not have it."""
    return np.array([row.get(name, np.nan) for row in rows], np.float64)
