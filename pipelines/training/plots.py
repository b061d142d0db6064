"""Pictures of a model's quality and reasons, each a PNG that answers the question in its title."""

import importlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.arrays import Floats, Labels, Matrix
from models.explain import global_importance
from models.ranking import Ranked, auc, average_precision, count
from models.spec import FeatureSpec

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#6B6B6B"  # Okabe and Ito: safe for colour-blind eyes
_SAMPLE = 2_000
_BINS = 10
_Z95 = 1.96


def roc(y: Labels, p: Floats) -> bytes:
    """ROC curve of probabilities ``p`` (n,) against labels ``y`` (n,), both classes present."""
    counts = count(Ranked.of(y, p), np.ones((1, len(y))))
    positive = counts.positive_above[0]
    negative = counts.every_above[0] - positive
    figure, axes = _axes("How well are leavers told from stayers?")
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", label="Guessing: 0.50")
    label = f"This model: {float(auc(counts)[0]):.3f}"
    axes.plot(negative / negative[-1], positive / positive[-1], color=_BLUE, label=label)
    axes.set_xlabel("Share of stayers flagged")
    axes.set_ylabel("Share of leavers found")
    axes.legend(title="Area under the curve", loc="lower right")
    return _png(figure)


def precision_recall(y: Labels, p: Floats) -> bytes:
    """Precision by recall, with the base rate as the floor.

    The scale is set from where 2 % of the leavers are found: before that a few rows decide.
    """
    counts = count(Ranked.of(y, p), np.ones((1, len(y))))
    found, listed = counts.positive_above[0, 1:], counts.every_above[0, 1:]
    rate = float(y.mean())
    figure, axes = _axes("How many of those listed will leave?")
    label = f"This model: average precision {float(average_precision(counts)[0]):.3f}"
    axes.step(found / found[-1], found / listed, where="pre", color=_BLUE, label=label)
    axes.axhline(rate, color=_GREY, linestyle="--", label=f"Guessing: {rate:.3f}")
    axes.set_xlabel("Share of leavers found")
    axes.set_ylabel("Share of listed customers who leave")
    axes.set_ylim(0, min(1.02, 1.15 * float((found / listed)[found >= 0.02 * found[-1]].max())))
    axes.legend(loc="upper right")
    return _png(figure)


def calibration(y: Labels, p: Floats) -> bytes:
    """Observed against predicted rate in ten quantile bins, with 95 % Wilson intervals."""
    predicted, observed, low, high = _bins(y, p)
    figure, axes = _axes("Can the probabilities be taken at their word?")
    top = 1.05 * float(max(predicted.max(), high.max()))
    axes.plot([0, top], [0, top], color=_GREY, linestyle="--", label="Perfect")
    spread = np.vstack([observed - low, high - observed])
    axes.errorbar(
        predicted, observed, yerr=spread, color=_BLUE, fmt="o-", capsize=3, label="Tenths by risk"
    )
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.set_xlabel("Predicted share who leave")
    axes.set_ylabel("Observed share who leave (95 % interval)")
    axes.legend(loc="upper left")
    return _png(figure)


def gains(y: Labels, p: Floats) -> bytes:
    """Share of the leavers found by share of customers contacted; lift at 1, 5 and 10 %."""
    counts = count(Ranked.of(y, p), np.ones((1, len(y))))
    share = counts.every_above[0] / counts.every_above[0, -1]
    found = counts.positive_above[0] / counts.positive_above[0, -1]
    figure, axes = _axes("How many leavers does a list of a given length reach?")
    axes.plot([0, 100], [0, 100], color=_GREY, linestyle="--", label="Random list")
    axes.plot(100 * share, 100 * found, color=_BLUE, label="By risk")
    for cut in (0.01, 0.05, 0.10):
        reached = float(np.interp(cut, share, found))
        axes.plot(100 * cut, 100 * reached, "o", color=_ORANGE)
        text = f"top {cut:.0%}: {reached:.0%} of leavers, {reached / cut:.1f} × random"
        axes.annotate(
            text,
            (100 * cut, 100 * reached),
            (10, -4),
            textcoords="offset points",
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none"},
        )
    axes.set_xlabel("Share of customers contacted (%)")
    axes.set_ylabel("Share of leavers found (%)")
    axes.legend(loc="lower right")
    return _png(figure)


def score_histogram(y: Labels, p: Floats) -> bytes:
    """Distribution of the scores of leavers and of stayers, each summing to 100 %."""
    figure, axes = _axes("Do leavers get higher scores than stayers?")
    top = float(np.quantile(p, 0.995)) or 1.0
    edges = np.linspace(0, top, 41).tolist()
    for label, value, colour in (("Stayed", 0, _BLUE), ("Left", 1, _ORANGE)):
        scores = np.minimum(p[y == value], top)
        shares = np.full(len(scores), 100 / max(len(scores), 1))
        axes.hist(scores, edges, weights=shares, color=colour, alpha=0.6, label=label)
    axes.set_xlabel("Predicted probability (the last bar holds all above)")
    axes.set_ylabel("Share of the group (%)")
    axes.legend()
    return _png(figure)


def family_bar(families: pd.DataFrame) -> bytes:
    """Mean absolute contribution per driver family or driver.

    ``families`` is what ``explain.by_family`` or ``by_driver`` returns.
    """
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
    rows = slice(0, _SAMPLE)
    figure, axes = _axes("What raises and lowers risk, customer by customer?", 9.0, 7.0)
    with _shap() as shap:
        explanation = shap.Explanation(
            values=contributions[rows, :-1],
            base_values=contributions[rows, -1],
            data=x[rows].astype(np.float64),
            feature_names=list(spec.names),
        )
        shap.plots.beeswarm(explanation, max_display=15, ax=axes, show=False, plot_size=None)
    axes.set_xlabel("Contribution to the risk (log-odds)")
    return _png(figure)


@contextmanager
def _shap() -> Iterator[Any]:
    """The shap package, imported only here as that takes seconds.

    Its jitter draws from numpy's global generator, which is fixed and then put back, and its
    warnings, of matplotlib's older interface and of columns without values, are for nobody here.
    """
    state = np.random.get_state()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            np.random.seed(0)
            yield importlib.import_module("shap")
        finally:
            np.random.set_state(state)


def _axes(title: str, width: float = 7.0, height: float = 5.0) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=13)
    axes.grid(visible=True, alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _bins(y: Labels, p: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean prediction, observed rate and its Wilson bounds per quantile bin that has rows."""
    edges = np.unique(np.quantile(p, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, p, side="left")
    rows = np.bincount(bins)
    used = rows > 0
    n = rows[used].astype(np.float64)
    predicted = np.bincount(bins, weights=p)[used] / n
    observed = np.bincount(bins, weights=y)[used] / n
    widened = 1 + _Z95**2 / n
    centre = (observed + _Z95**2 / (2 * n)) / widened
    half = _Z95 * np.sqrt(observed * (1 - observed) / n + _Z95**2 / (4 * n * n)) / widened
    return predicted, observed, centre - half, centre + half
