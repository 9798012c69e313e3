"""The one look of every plot: colours, lettering, axes; set on the Axes at hand, never on matplotlib's global state."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter

from patron._core.errors import DataError

# Okabe & Ito (2008): told apart by every kind of colour vision, and in grey by their lightness
BLUE: Final = "#0072b2"
SKY: Final = "#56b4e9"
ORANGE: Final = "#e69f00"
VERMILLION: Final = "#d55e00"
GREEN: Final = "#009e73"
PURPLE: Final = "#cc79a7"
INK: Final = "#1f2933"
MUTED: Final = "#52606d"
FAINT: Final = "#cbd2d9"
GRID: Final = "#e8ecf0"
HEAT: Final = "YlGnBu"
"""The colour map of counts, chances and expectations: light is little, dark is much."""

LINES: Final[tuple[dict[str, Any], ...]] = (
    {"color": BLUE, "linestyle": "-", "marker": "o"},
    {"color": VERMILLION, "linestyle": "--", "marker": "D"},
    {"color": GREEN, "linestyle": "-.", "marker": "s"},
    {"color": PURPLE, "linestyle": ":", "marker": "^"},
    {"color": ORANGE, "linestyle": (0, (6, 1, 1, 1, 1, 1)), "marker": "v"},
    {"color": SKY, "linestyle": (0, (3, 1)), "marker": "P"},
)
"""Looks of lines over each other: told apart by colour, stroke and mark."""

TITLE: Final = 11
TEXT: Final = 9
SMALL: Final = 8
THIN_SPACE: Final = "\u202f"


def canvas(ax: Axes | None, *, width: float = 4.4, height: float = 3.4) -> Axes:
    """Return `ax`, or the Axes of a new figure of `width` x `height` inches that belongs to nobody else."""
    if ax is not None:
        return ax
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
    return Figure(figsize=(width, height), layout=layout, facecolor="white").subplots()


def dress(ax: Axes, *, title: str, x: str, y: str, room: float = 8) -> None:
    """Give the Axes its title, its axis labels with their units and the house look; `room` is under the title."""
    ax.set_title(title, loc="left", fontsize=TITLE, fontweight="bold", color=INK, pad=room)
    ax.set_xlabel(x, fontsize=TEXT, color=INK)
    ax.set_ylabel(y, fontsize=TEXT, color=INK)
    ax.tick_params(colors=MUTED, labelsize=SMALL, length=3, width=0.8)
    ax.tick_params(which="minor", length=0)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)
    ax.grid(visible=True, which="major", color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)


def legend(
    ax: Axes, loc: str, also: Sequence[Any] = (), *, columns: int = 1, above: bool = False, boxed: bool = False
) -> None:
    """Draw the legend of what `ax` shows and what is beside it; `above` the Axes, `boxed` to hide what is under it."""
    handles, _ = ax.get_legend_handles_labels()
    ax.legend(
        handles=[*handles, *also],
        loc=loc,
        bbox_to_anchor=(0, 1) if above else None,
        borderaxespad=0.2 if above else None,
        ncols=columns,
        fontsize=SMALL,
        frameon=boxed,
        framealpha=0.85,
        edgecolor="none",
        labelcolor=INK,
        handlelength=2.2,
        columnspacing=1.2,
    )


def over_each_other(labels: Iterable[Any]) -> dict[Any, dict[str, Any]]:
    """Give each of several lines in one plot its look and its label.

    Raises
    ------
    DataError
        There is none, or there are more than can be told apart.

    Examples
    --------
    >>> over_each_other(["BG/NBD", "Pareto/NBD"])["Pareto/NBD"]["linestyle"]
    '--'
    """
    names = list(labels)
    if not 0 < len(names) <= len(LINES):
        raise DataError(
            f"{len(names)} lines in one plot" if names else "there is nothing to draw",
            fix=f"give 1 to {len(LINES)}: more cannot be told apart",
        )
    return {name: {"linewidth": 1.6, "label": str(name), **look} for name, look in zip(names, LINES, strict=False)}


def counted(axis: Any) -> None:
    """Mark whole numbers alone on an axis of counts, large ones in few letters."""
    axis.set_major_locator(MaxNLocator(6, integer=True))
    short_ticks(axis)


def dated(ax: Axes) -> None:
    """Write days along the foot in few letters."""
    locator = AutoDateLocator(minticks=3, maxticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.xaxis.get_offset_text().set(fontsize=SMALL, color=MUTED)


def say(ax: Axes, text: str) -> None:
    """Write `text` in the middle of an Axes on which there is nothing to draw."""
    around = {"facecolor": "white", "edgecolor": "none"}
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=TEXT, color=MUTED, bbox=around)


def colour_bar(ax: Axes, mesh: Any, label: str, *, more: bool = False) -> Any:
    """Draw beside `ax` what the colours of `mesh` mean, and in which unit; `more` if some values lie beyond."""
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, extend="max" if more else "neither")
    bar.set_label(label, fontsize=TEXT, color=INK)
    bar.ax.tick_params(colors=MUTED, labelsize=SMALL, length=3, width=0.8)
    bar.ax.tick_params(which="minor", length=0)
    bar.outline.set_visible(False)
    return bar


def percent(share: float) -> str:
    """Write a share as per cent, to the nearest whole one."""
    return f"{100 * share:.0f}{THIN_SPACE}%"


def percent_ticks(axis: Any, *, decimals: int = 0) -> None:
    """Write the shares 0 to 1 of an axis as per cent."""
    axis.set_major_formatter(PercentFormatter(1.0, decimals=decimals, symbol=f"{THIN_SPACE}%"))


def short(number: float) -> str:
    """Write a number in the few letters a tick has room for.

    Examples
    --------
    >>> [short(n) for n in (0, 0.05, 12.5, 1500, 25_000, 3.2e6)]
    ['0', '0.05', '12.5', '1,500', '25k', '3.2M']
    """
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= size:
            return f"{number / (1e3 if letter == 'k' else size):,.4g}{letter}"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def short_ticks(axis: Any) -> None:
    """Write large numbers on an axis in few letters."""
    axis.set_major_formatter(FuncFormatter(lambda number, _position: short(number)))


def log_ticks(axis: Any, low: float, high: float) -> None:
    """Label a logarithmic axis at 1, 10, 100, ...; within fifty-fold at 1, 2, 5, 10, ..."""
    axis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 50 else (1.0, 2.0, 5.0)))
    axis.set_minor_locator(NullLocator())
    short_ticks(axis)


def in_currency(label: str, currency: str | None) -> str:
    """Add the currency to an axis label: 'mean spend (USD)'."""
    return f"{label} ({currency or 'currency'})"


def figure_of(ax: Axes) -> Figure:
    """Return the whole figure that `ax` stands in."""
    figure = ax.figure
    return figure.figure if isinstance(figure, SubFigure) else figure


def to_png(ax: Axes, *, dpi: int = 200) -> bytes:
    """Draw the figure of `ax` as PNG; the same plot gives the same bytes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Any Axes of the figure.
    dpi : int
        Dots per inch: a plot of 4.4 inches is 880 dots wide by default.

    Returns
    -------
    bytes

    Examples
    --------
    >>> from patron.plots import plot_value_concentration
    >>> to_png(plot_value_concentration([5.0, 3.0, 1.0]))[1:4]
    b'PNG'
    """
    out = io.BytesIO()
    figure_of(ax).savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()
