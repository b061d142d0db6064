"""Holds a model of the simulated company against the answer key. No pipeline imports this."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from features.catalog import build_catalog
from features.contract import TABLES
from features.errors import ConfigError
from models.explain.shap_values import spread
from models.metrics.scorecard import measure
from pipelines.simulator.clock import Floats
from pipelines.simulator.options import CALL_REMAINS

_SCORES = "test_scores.parquet"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The model against the true hazard on the same test rows, and the drivers of both.

    ``oracle_auc`` ranks by the true hazard of the month that begins at the as-of date: all that
    had happened, the unobserved traits included. ``hindsight_auc`` ranks by the true chance of
    leaving within the label window, which also knows what has yet to happen.
    """

    rows: int
    model_auc: float
    oracle_auc: float
    hindsight_auc: float
    calibration_slope: float
    true_drivers: "pd.Series[float]"
    model_drivers: "pd.Series[float]"
    true_families: "pd.Series[float]"
    model_families: "pd.Series[float]"

    @property
    def ratio(self) -> float:
        return self.model_auc / self.oracle_auc

    @property
    def family_rank_correlation(self) -> float:
        """Spearman's correlation between the true and the model's strength of driver families."""
        both = pd.concat([self.true_families, self.model_families], axis=1, join="inner")
        return float(both.corr(method="spearman").to_numpy()[0, 1])


def newest_scores(folder: Path) -> Path:
    """The newest training run below ``folder`` that kept its test scores.

    Raises ``ConfigError`` when there is none.
    """
    runs = sorted(folder.glob(f"*/{_SCORES}"))
    if not runs:
        raise ConfigError(f"{folder} holds no test scores. Train first: stille train.")
    return runs[-1].parent


def compare(run: Path, truth: Path, window: tuple[int, int]) -> Comparison:
    """Compare a run's test scores with ``truth/hazard.parquet``.

    ``window`` is lead and horizon in days. Raises ``ConfigError`` when the truth is absent.
    """
    path = truth / "hazard.parquet"
    if not path.is_file():
        raise ConfigError(f"{path}: no answer key here; only a simulated company has one.")
    scores = pd.read_parquet(run / _SCORES)
    hazards = pd.read_parquet(path)
    hazards["month"] = pd.to_datetime(hazards["month"])
    y, p = scores["label"].to_numpy(), scores["probability"].to_numpy()
    lookup = hazards.set_index(["customer_id", "month"])["hazard"]
    nights = scores[["customer_id", "as_of"]].rename(columns={"as_of": "month"})
    true_now = lookup.reindex(pd.MultiIndex.from_frame(nights)).to_numpy()
    # Each driver's share in the log-odds, for everybody at the tested dates.
    shares = hazards[hazards["month"].isin(scores["as_of"].unique())].filter(regex="^share_")
    shares = shares.drop(columns=["share_unseen", "share_season"])
    shares.columns = shares.columns.str.removeprefix("share_")
    measured = measure(y, p)
    families = {f.driver: f.family for f in build_catalog(TABLES).model_features}
    known = shares[[name for name in shares if name in families]]
    return Comparison(
        rows=len(scores),
        model_auc=measured["auc"],
        oracle_auc=measure(y, true_now)["auc"],
        hindsight_auc=measure(y, chance_of_notice(lookup, nights, (window[0], sum(window))))["auc"],
        calibration_slope=measured["calibration_slope"],
        true_drivers=_spread(shares),
        model_drivers=pd.Series(json.loads((run / "drivers.json").read_text())),
        true_families=_spread(known.T.groupby([families[str(name)] for name in known]).sum().T),
        model_families=pd.Series(json.loads((run / "families.json").read_text())),
    )


def _spread(shares: pd.DataFrame) -> "pd.Series[float]":
    """Mean absolute deviation per column, greatest first."""
    return pd.Series(spread(shares)).sort_values(ascending=False)


def first_day_after(data: Path) -> date:
    """The day after the last simulated month, read from the answer key."""
    last = pd.read_parquet(data / "truth" / "hazard.parquet", columns=["month"])["month"].max()
    return (pd.Timestamp(last) + pd.DateOffset(months=1)).date()


def chance_of_notice(
    hazards: "pd.Series[float]",
    nights: pd.DataFrame,
    window: tuple[int, int],
    felt: Floats | None = None,
) -> Floats:
    """Chance of a notice from the first to before the last day of a window after each night (n,).

    ``hazards`` by customer_id and month; ``nights`` the same two columns, first days of months.
    ``felt`` (n,): log-odds added, fading as calls do, and after a notice the last hazard stands,
    which is high, for high hazards end soon; without it none stands, and early leavers look safe.
    """
    stays, hazard = np.ones(len(nights)), np.zeros(len(nights))
    start, end = (nights["month"] + pd.Timedelta(days=days) for days in window)
    for ahead in range(window[1] // 28 + 2):
        first, last = (nights["month"] + pd.DateOffset(months=ahead + k) for k in (0, 1))
        keys = pd.MultiIndex.from_arrays([nights["customer_id"], first])
        lived = hazards.reindex(keys).to_numpy(dtype=np.float64)
        hazard = np.where(np.isnan(lived), 0 if felt is None else hazard, lived)
        moved = hazard
        if felt is not None:
            moved = expit(logit(hazard) + felt * CALL_REMAINS**ahead)
        inside = last.where(last < end, end) - first.where(first > start, start)
        share = (inside.dt.days.clip(lower=0) / (last - first).dt.days).to_numpy()
        stays *= (1 - moved) ** share
    return np.asarray(1 - stays, dtype=np.float64)
