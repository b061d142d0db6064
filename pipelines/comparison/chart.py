"""Calibration and gains charts of two runs on the same axes, as SVG.

One picture for both, as two pictures hide small differences.
"""

import io
from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pipelines.tracking import Logged

# Okabe and Ito: safe for colour-blind eyes; the line and the marker differ as well.
_STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#0072B2", "linestyle": "-", "marker": "o", "markersize": 9, "fillstyle": "none"},
    {"color": "#D55E00", "linestyle": "--", "marker": "s"},
)
_GREY = "#6B6B6B"


def draw(a: Logged, b: Logged) -> tuple[bytes, ...]:
    """Calibration and gains, each an SVG of both runs; nothing unless both kept their curves."""
    runs = [("A", a), ("B", b)]
    curves = [(f"{letter}: {run.label}", run.facts.get("curves.json")) for letter, run in runs]
    if any(points is None for _, points in curves):
        return ()
    return tuple(_svg(panel, curves) for panel in (_calibration, _gains))


def _svg(
    panel: Callable[[Axes, list[tuple[str, Any]]], None], curves: list[tuple[str, Any]]
) -> bytes:
    figure = Figure(figsize=(5.6, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    panel(figure.add_subplot(), curves)
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _calibration(axes: Axes, curves: list[tuple[str, Any]]) -> None:
    top = 1.05 * max(
        max(*c["calibration"]["predicted"], *c["calibration"]["high"]) for _, c in curves
    )
    axes.plot([0, top], [0, top], color=_GREY, linestyle=":", label="Perfect")
    for (label, points), style in zip(curves, _STYLES, strict=True):
        bins = points["calibration"]
        spread = [
            [o - low for o, low in zip(bins["observed"], bins["low"], strict=True)],
            [high - o for o, high in zip(bins["observed"], bins["high"], strict=True)],
        ]
        axes.errorbar(
            bins["predicted"], bins["observed"], yerr=spread, capsize=3, label=label, **style
        )
    _finish(axes, "Whose probabilities come true?", "Predicted share who leave", "Observed share")
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.legend(loc="upper left", frameon=False)


def _gains(axes: Axes, curves: list[tuple[str, Any]]) -> None:
    axes.plot([0, 100], [0, 100], color=_GREY, linestyle=":", label="Random list")
    for (label, points), style in zip(curves, _STYLES, strict=True):
        share = [100 * x for x in points["gains"]["share"]]
        found = [100 * y for y in points["gains"]["found"]]
        axes.plot(share, found, label=label, markevery=10, **style)
    _finish(
        axes,
        "Whose list reaches more leavers?",
        "Share of customers contacted (%)",
        "Share of leavers found (%)",
    )
    axes.legend(loc="lower right", frameon=False)


def _finish(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, loc="left", fontsize=13)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
