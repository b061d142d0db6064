"""Charts of the report as SVG, labelled where the eye is.

The same values give the same bytes, so that a night can be compared with itself.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipelines.reporting.facts import Facts, RiskReasons
from pipelines.reporting.texts import Texts

# The blue and the vermilion of Okabe and Ito, darkened until text in them can be read on white:
# safe for colour-blind eyes, and marker and line differ as well.
ACCENT, OTHER, QUIET, INK = "#0b5d8a", "#b04a00", "#5c5c5c", "#1b1b1b"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "stille",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": "#b8b8b8",
    "axes.labelcolor": INK,
    "xtick.color": QUIET,
    "ytick.color": INK,
}
_DRIVERS = 10


def draw(facts: Facts, texts: Texts) -> dict[str, bytes]:
    """Each picture for which there are facts, by the name of its section."""
    reasons, effects = facts.reasons, facts.effects
    past = (facts.monitored.data or {}).get("performance")
    pictures = {}
    if reasons.drivers:
        height = 0.9 + 0.36 * min(len(reasons.drivers), _DRIVERS)
        pictures["why"] = _svg(lambda axes: _reasons(axes, reasons, texts), height)
    if past is not None:
        pictures["past"] = _svg(lambda axes: _past(axes, past["tenths"], texts), 3.3)
    if effects:
        height = 1.1 + 0.45 * len(effects)
        pictures["contact"] = _svg(lambda axes: _contact(axes, effects, texts), height)
    return pictures


def _svg(panel: Callable[[Axes], None], height: float) -> bytes:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, height), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        panel(axes)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _lines(axes: Axes, names: Sequence[str], label: str, form: Callable[[float], str]) -> None:
    """One named line each, first on top, against figures that ``form`` writes."""
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda value, _: form(value))
    axes.set_xlabel(label, loc="right")


def _reasons(axes: Axes, reasons: RiskReasons, texts: Texts) -> None:
    shown = reasons.drivers[:_DRIVERS]
    axes.barh(range(len(shown)), [each.share for each in shown], height=0.55, color=ACCENT)
    for place, driver in enumerate(shown):
        most = max(driver.share, driver.before or 0.0)
        share, beside = texts.share(driver.share, 0), "offset points"
        axes.annotate(share, (most, place), (8, 0), textcoords=beside, va="center", color=INK)
        if driver.before is not None:
            axes.plot([driver.before] * 2, [place - 0.42, place + 0.42], color=OTHER, linewidth=2.5)
    names = [texts.name("drivers", driver.driver) for driver in shown]
    _lines(axes, names, texts.say("why.axis"), lambda share: texts.share(share, 0))
    axes.margins(x=0.12)
    axes.set_xlim(left=0)


def _past(axes: Axes, tenths: Sequence[Mapping[str, Any]], texts: Texts) -> None:
    places = range(1, len(tenths) + 1)
    predicted = np.array([tenth["expected"] / tenth["rows"] for tenth in tenths])
    rates = np.array([tenth["observed_rate"] for tenth in tenths])
    ratios = [tenth["observed_to_expected"] for tenth in tenths]
    low, high = predicted * np.array([(ratio["low"], ratio["high"]) for ratio in ratios]).T
    look: dict[str, Any] = {"color": OTHER, "capsize": 4, "markersize": 5, "linewidth": 1.5}
    axes.errorbar(places, rates, [rates - low, high - rates], fmt="s", **look)
    axes.plot(places, predicted, color=ACCENT, marker="o", fillstyle="none", markersize=8)
    top, middle = max(*predicted, *high), (1 + len(tenths)) / 2
    axes.text(middle, 0.94 * top, f"○ {texts.say('past.predicted')}", color=ACCENT)
    axes.text(middle, 0.82 * top, f"■ {texts.say('past.happened')}", color=OTHER)
    axes.set_ylim(0, 1.05 * top)
    axes.set_xticks(places)
    axes.set_xlabel(texts.say("past.tenth_axis"))
    axes.set_ylabel(texts.say("past.share_axis"))
    axes.yaxis.set_major_formatter(lambda value, _: texts.share(value, 0))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _contact(axes: Axes, effects: Sequence[Mapping[str, Any]], texts: Texts) -> None:
    for place, effect in enumerate(effects):
        harm, found = effect["verdict"] == "more_leave", effect["difference"]
        color = OTHER if harm else ACCENT
        axes.plot([found["low"], found["high"]], [place] * 2, color=color, linewidth=2)
        axes.plot([found["value"]], [place], color=color, marker="s" if harm else "o")
    axes.axvline(0, color=QUIET, linewidth=1, linestyle=":")
    names = [texts.group(effect) for effect in effects]
    _lines(axes, names, texts.say("contact.axis"), texts.points)
    axes.margins(y=0.4)
