"""Diagnostic plots of a model's quality and explanations, as PNG.

Each plot answers the question in its title, for readers who know no metric by name.
"""

import importlib
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay

from models.dataset.array_types import Floats, Labels, Matrix
from models.dataset.feature_spec import FeatureSpec
from models.explain.shap_values import global_importance
from models.metrics.bootstrap import Rows
from models.metrics.by_subgroup import DecayMonth
from models.metrics.observed_expected import observed_expected_by
from models.metrics.profit import ProfitCurve
from models.metrics.ranking import Ranked, count

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#6B6B6B"  # Okabe and Ito: safe for colour-blind eyes
_WHITE = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none"}
_SAMPLE = 2_000
_PANELS = 6
_BINS = 10
_INTERVALS: Mapping[str, Any] = {"color": _BLUE, "fmt": "o-", "capsize": 3}
_DASHED: Mapping[str, Any] = {"color": _GREY, "linestyle": "--"}
_SCALE = LinearSegmentedColormap.from_list("risk", [_BLUE, "#B8B8B8", _ORANGE])


def calibration_bins(rows: Rows, p: Floats) -> pd.DataFrame:
    """Per tenth by risk that has rows: mean ``predicted``, rate ``observed``, ``low`` and ``high``.

    Probabilities ``p`` (n,) are above 0, and tied scores share a bin. The 95 % interval is that of
    observed over expected leavers, with the customers' and months' design.
    """
    edges = np.unique(np.quantile(p, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, p, side="left")
    found = observed_expected_by(bins.astype(object), rows, p)
    predicted = np.array([each.expected / each.rows for each in found])
    rates = np.array([each.rate for each in found])
    ends = np.array([[each.ratio.low, each.ratio.high] for each in found]).T * predicted
    # At 0 leavers the lower end is equal to the observed share, but for rounding.
    low, high = np.minimum(ends[0], rates), np.clip(ends[1], rates, 1)
    return pd.DataFrame({"predicted": predicted, "observed": rates, "low": low, "high": high})


def roc(y: Labels, p: Floats) -> bytes:
    """ROC curve of probabilities ``p`` (n,) against labels ``y`` (n,), both classes present."""
    figure, axes = _axes("How well are leavers told from stayers?")
    display = RocCurveDisplay.from_predictions(y, p, ax=axes, **_beside_guessing("0.50"))
    display.line_.set_label(f"This model: {display.roc_auc:.3f}")
    axes.set(xlabel="Share of stayers flagged", ylabel="Share of leavers found")
    axes.legend(title="Area under the curve", loc="lower right")
    return _png(figure)


def precision_recall(y: Labels, p: Floats) -> bytes:
    """Precision by recall, with the base rate as the floor.

    The scale is set from where 2 % of the leavers are found: before that a few rows decide.
    """
    figure, axes = _axes("How many of those listed will leave?")
    guessing = _beside_guessing(f"{y.mean():.3f}")
    display = PrecisionRecallDisplay.from_predictions(y, p, ax=axes, **guessing)
    display.line_.set_label(f"This model: average precision {display.average_precision:.3f}")
    top = 1.15 * float(display.precision[display.recall >= 0.02].max())
    axes.set(xlabel="Share of leavers found", ylabel="Share of listed customers who leave")
    axes.set(ylim=(0, min(1.02, top)), aspect="auto")
    axes.legend(loc="upper right")
    return _png(figure)


def calibration(bins: pd.DataFrame) -> bytes:
    """Observed against predicted rate in ten quantile bins, with 95 % intervals."""
    figure, axes = _axes("Can the probabilities be taken at their word?")
    axes.set(xlabel="Predicted share who leave", ylabel="Observed share who leave (95 % interval)")
    top = 1.05 * float(max(bins.predicted.max(), bins.high.max()))
    axes.plot([0, top], [0, top], label="Perfect", **_DASHED)
    spread = [bins.observed - bins.low, bins.high - bins.observed]
    axes.errorbar(bins.predicted, bins.observed, spread, label="Tenths by risk", **_INTERVALS)
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left")
    return _png(figure)


def gains(y: Labels, p: Floats) -> bytes:
    """Share of the leavers found by share of customers contacted; lift at 1, 5 and 10 %.

    Ties are split fractionally.
    """
    counts = count(Ranked.of(y, p), np.ones((1, len(y))))
    share, found = (a[0] / a[0, -1] for a in (counts.every_above, counts.positive_above))
    figure, axes = _axes("How many leavers does a list of a given length reach?")
    axes.set(xlabel="Share of customers contacted (%)", ylabel="Share of leavers found (%)")
    axes.plot([0, 100], [0, 100], label="Random list", **_DASHED)
    axes.plot(100 * share, 100 * found, color=_BLUE, label="By risk")
    for cut in (0.01, 0.05, 0.10):
        reached = float(np.interp(cut, share, found))
        place = (100 * cut, 100 * reached)
        text = f"top {cut:.0%}: {reached:.0%} of leavers, {reached / cut:.1f} × random"
        axes.plot(*place, "o", color=_ORANGE)
        axes.annotate(text, place, (10, -4), textcoords="offset points", bbox=_WHITE)
    axes.legend(loc="lower right")
    return _png(figure)


def profit(curves: Mapping[str, ProfitCurve], currency: str, called: float) -> bytes:
    """Realised profit per customer by share contacted; ``curves`` by what winning costs.

    ``called`` is the share of them for which the team has time.
    """
    figure, axes = _axes("How long a list pays?")
    axes.set(xlabel="Share of customers contacted, by expected value (%)")
    axes.set(ylabel=f"Profit per customer of the cohort ({currency})")
    axes.axhline(0, color=_GREY, linewidth=0.8)
    top = 1.0
    for (name, curve), colour, style in zip(curves.items(), (_BLUE, _ORANGE), "-:", strict=False):
        best = int(curve.realised.argmax())
        share, gained = 100 * float(curve.share[best]), float(curve.realised[best])
        label = f"{name}: at best {gained:,.1f} {currency}, at {share:.0f} %"
        axes.plot(100 * curve.share, curve.realised, color=colour, linestyle=style, label=label)
        axes.plot(share, gained, "o", color=colour)
        top = max(top, gained)
    axes.axvline(100 * called, label="the team's time", **_DASHED)
    axes.set_ylim(-2 * top, 1.2 * top)
    axes.legend(title="If winning a new customer costs", loc="lower left")
    return _png(figure)


def decay(months: Sequence[DecayMonth]) -> bytes:
    """AUC by months after what the model learned ended, with 95 % intervals."""
    figure, axes = _axes("How long does a model stay good?")
    axes.set(xlabel="Months after the last label that it learned from (dashed: guessing)")
    axes.set(ylabel="Area under the curve (95 % interval)")
    known = [month for month in months if "auc" in month.card]
    cards = [month.card["auc"] for month in known]
    middle = np.array([card.value for card in cards])
    spread = [middle - [card.low for card in cards], [card.high for card in cards] - middle]
    places = [month.months for month in known]
    axes.errorbar(places, middle, spread, **_INTERVALS)
    axes.axhline(0.5, **_DASHED)
    axes.set_xticks(places, [f"{month.months}\n{month.leavers} left" for month in known])
    return _png(figure)


def family_bar(families: pd.DataFrame) -> bytes:
    """Mean absolute contribution per column of ``families``, driver families or drivers."""
    importance = global_importance(families)[::-1]
    names = [str(name).replace("_", " ") for name in importance.index]
    figure, axes = _axes("Which reasons move the risk most?", height=1.6 + 0.35 * len(names))
    axes.barh(names, importance.to_numpy(), color=_BLUE)
    axes.set_xlabel("Mean absolute contribution (log-odds)")
    axes.grid(visible=False, axis="y")
    return _png(figure)


def beeswarm(contributions: Floats, x: Matrix, spec: FeatureSpec) -> bytes:
    """SHAP beeswarm of the fifteen strongest features, on the first 2,000 rows.

    ``contributions`` is (n, f + 1) as ``ChurnModel.contributions`` gives it, ``x`` (n, f) the
    encoded matrix; a category is coloured by its code.
    """
    figure, axes = _axes("What raises and lowers risk, customer by customer?", width=9, height=7)
    with _shap(contributions, x, spec) as (shap, explanation):
        shap.plots.beeswarm(explanation, 15, ax=axes, show=False, plot_size=None, color=_SCALE)
    axes.set_xlabel("Contribution to the risk (log-odds)")
    return _png(figure)


def dependence(contributions: Floats, x: Matrix, spec: FeatureSpec) -> bytes:
    """How the six strongest features push the risk, beside the direction declared for them.

    Arguments as of ``beeswarm``. Ticks at the left edge are rows whose value is unknown.
    """
    strength = np.abs(contributions[:, :-1]).mean(axis=0)
    strongest = np.argsort(-strength, kind="stable")[:_PANELS]
    figure = Figure((11, 6.6), 110, layout="constrained")
    figure.suptitle("Do the strongest features push as declared?", x=0.01, ha="left", fontsize=13)
    panels = figure.subplots(2, _PANELS // 2, squeeze=False).ravel()
    declared = {1: "more should raise it", -1: "more should lower it", 0: "left free"}
    with _shap(contributions, x, spec) as (shap, explanation):
        for axes, i in zip(panels, strongest.tolist(), strict=False):
            column, look = spec.columns[i], {"color": _BLUE, "alpha": 0.3}
            shap.plots.scatter(explanation[:, i], ax=axes, hist=False, show=False, **look)
            if column.kind == "category":
                names = [name[:12] for name in column.vocabulary]
                axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
            axes.set(xlabel="", ylabel="")
            axes.set_title(f"{column.name}\n{declared[column.sign]}", loc="left", fontsize=10)
    for axes in panels[len(strongest) :]:
        axes.set_axis_off()
    figure.supylabel("Contribution to the risk (log-odds)")
    return _png(figure)


def _beside_guessing(chance: str) -> dict[str, Any]:
    """What both displays of scikit-learn are given: our colours, and the line of chance."""
    line = {"color": _GREY, "label": f"Guessing: {chance}"}
    return {"curve_kwargs": {"color": _BLUE}, "plot_chance_level": True, "chance_level_kw": line}


@contextmanager
def _shap(contributions: Floats, x: Matrix, spec: FeatureSpec) -> Iterator[tuple[Any, Any]]:
    """The shap package, imported only here as that takes seconds, and its form of the first rows.

    Its jitter draws from numpy's global generator, which is fixed and then put back, and its
    warnings, of matplotlib's older interface and of columns without values, are for nobody here.
    """
    state = np.random.get_state()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            np.random.seed(0)
            shap = importlib.import_module("shap")
            yield (
                shap,
                shap.Explanation(
                    values=contributions[:_SAMPLE, :-1],
                    base_values=contributions[:_SAMPLE, -1],
                    data=x[:_SAMPLE].astype(np.float64),
                    feature_names=list(spec.names),
                ),
            )
        finally:
            np.random.set_state(state)


def _axes(title: str, *, width: float = 7.0, height: float = 5.0) -> tuple[Figure, Axes]:
    figure = Figure((width, height), 110, layout="constrained")
    axes = figure.add_subplot(axisbelow=True)
    axes.set_title(title, loc="left", fontsize=13)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
