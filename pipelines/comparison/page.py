"""HTML page of a run comparison: one offline file, without scripts.

So that it can be sent to whoever decides on a model.
"""

import io
import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipelines.comparison.difference import Difference
from pipelines.runtime.atomic_files import write_file
from pipelines.runtime.escaping import html_template
from pipelines.tracking.runs import Logged

_HEAD_TAGS = ("known_before", "judged_on", "code_version", "leak_warning")
_ALTS = (
    "Observed against predicted share who leave, for A and B",
    "Share of leavers found by share of customers contacted, for A and B",
)


def page_path(folder: Path, difference: Difference) -> Path:
    """Where the page of two runs goes in ``folder``, named by both."""
    names = (re.sub(r"[^A-Za-z0-9]+", "-", run.label) for run in (difference.a, difference.b))
    return folder / f"{'-and-'.join(names)}.html"


def write_page(path: Path, difference: Difference) -> None:
    """Write the page; raises ``PublicationError`` when the disk refuses."""
    write_file(path, render(difference).encode())


def render(difference: Difference) -> str:
    """The page as HTML. Every value is escaped."""
    pictures = [b64encode(picture).decode() for picture in draw(difference.a, difference.b)]
    return html_template("compare.html").render(
        difference=difference,
        verdict=_verdict(difference),
        tags=_HEAD_TAGS,
        pictures=list(zip(_ALTS, pictures, strict=False)),
    )


def _verdict(difference: Difference) -> str:
    loss = next((m for m in difference.metrics if m.name == "log_loss"), None)
    if loss is None or loss.a is None or loss.b is None:
        return "The runs have no log loss in common."
    values = f"log loss {loss.a:.5f} of A and {loss.b:.5f} of B"
    if loss.paired is None or loss.difference is None:
        return f"Which is better is not known, as {difference.unpaired}: {values}."
    found = "no difference" if loss.better == "no difference" else f"{loss.better} is better"
    change = "B − A {:+.5f} ({:+.5f} to {:+.5f})".format(loss.difference, *loss.paired)
    return f"On the same test rows {found}: {values}, {change}."


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
    panel(figure.add_subplot(), curves)
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _calibration(axes: Axes, curves: list[tuple[str, Any]]) -> None:
    ends = (c["calibration"][name] for _, c in curves for name in ("predicted", "high"))
    top = 1.05 * max(map(max, ends))
    axes.plot([0, top], [0, top], color=_GREY, linestyle=":", label="Perfect")
    for (label, points), style in zip(curves, _STYLES, strict=True):
        names = ("predicted", "observed", "low", "high")
        x, y, low, high = (np.array(points["calibration"][name]) for name in names)
        axes.errorbar(x, y, [y - low, high - y], capsize=3, label=label, **style)
    _finish(axes, "Whose probabilities come true?", "Predicted share who leave", "Observed share")
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left", frameon=False)


def _gains(axes: Axes, curves: list[tuple[str, Any]]) -> None:
    axes.plot([0, 100], [0, 100], color=_GREY, linestyle=":", label="Random list")
    for (label, points), style in zip(curves, _STYLES, strict=True):
        share, found = (100 * np.array(points["gains"][name]) for name in ("share", "found"))
        axes.plot(share, found, label=label, markevery=10, **style)
    contacted, reached = "Share of customers contacted (%)", "Share of leavers found (%)"
    _finish(axes, "Whose list reaches more leavers?", contacted, reached)
    axes.legend(loc="lower right", frameon=False)


def _finish(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, loc="left", fontsize=13)
    axes.set(xlabel=x, ylabel=y, axisbelow=True)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
