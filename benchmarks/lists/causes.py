"""What removing each cause would be worth by the truth, and whether the model ranks them so."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from features.catalog import build_catalog
from features.contract import TABLES
from models.dataset.array_types import Floats

_MONTH_DAYS = 365 / 12
_LEAST = {"family": (0.0,), "driver": (0.0, 0.01, 0.02, 0.05)}
_SHOWN = 12


def drivers_of(removals: pd.DataFrame) -> frozenset[str]:
    """The drivers among ``removals``: of a tenure or a product nothing can be removed."""
    return frozenset(removals.loc[removals["level"].eq("driver"), "name"])


@dataclass(frozen=True, slots=True)
class Ranked:
    """``agreements``: level, least worth as a share of the value of all who would leave,
    Spearman's correlation and how many causes; ``strongest``: the drivers worth most by the truth,
    with that share by the model and by the truth.
    """

    agreements: tuple[tuple[str, float, float, int], ...]
    strongest: tuple[tuple[str, float, float], ...]


def true_removals(
    truth: Path,
    rows: pd.DataFrame,
    value: "pd.Series[float]",
    days: int,
    removable: Collection[str],
) -> pd.DataFrame:
    """Columns level, name, value: of the ``removable`` drivers and, by these, of each family.

    ``rows`` has customer_id and the one as_of; ``value`` runs parallel. The hazard of the month
    that begins then is taken to last ``days``; without the driver its share is taken off where it
    raises.
    """
    hazards = pd.read_parquet(truth / "hazard.parquet")
    now = hazards[pd.to_datetime(hazards["month"]).eq(rows["as_of"].iloc[0])]
    now = now.set_index("customer_id").reindex(rows["customer_id"])
    shares = now.filter(regex="^share_").rename(columns=lambda name: name.removeprefix("share_"))
    families = {f.driver: f.family for f in build_catalog(TABLES).model_features}
    raised = shares[[name for name in shares.columns if name in removable]].clip(lower=0)
    by_family = raised.T.groupby([families[name] for name in raised.columns]).sum().T
    log_odds, worth = now["log_odds"].to_numpy(), value.to_numpy()
    found = []
    for level, groups in (("family", by_family), ("driver", raised)):
        for name in groups.columns:
            fell = _chance(log_odds, days) - _chance(log_odds - groups[name].to_numpy(), days)
            found.append((level, str(name), float(np.nansum(fell * worth))))
    return pd.DataFrame(found, columns=["level", "name", "value"])


def ranked(ours: pd.DataFrame, truth: pd.DataFrame, at_risk: float) -> Ranked:
    """Hold ``ours`` against ``truth`` at every least worth; ``at_risk`` is the value of leavers."""
    found = [
        (level, least, *agreement(ours, truth, level, least * at_risk))
        for level, worths in _LEAST.items()
        for least in worths
    ]
    drivers = _both(ours, truth, "driver").nlargest(_SHOWN, "value_truth")
    names = ["name", "value_ours", "value_truth"]
    strongest = drivers[names].itertuples(index=False, name=None)
    shares = [(name, mine / at_risk, true / at_risk) for name, mine, true in strongest]
    return Ranked(tuple(found), tuple(shares))


def agreement(
    ours: pd.DataFrame, truth: pd.DataFrame, level: str, least: float = 0.0
) -> tuple[float, int]:
    """Spearman's correlation of one level's values, and of how many causes.

    Of those worth at least ``least`` by the truth.
    """
    both = _both(ours, truth, level)
    both = both[both["value_truth"].ge(least)]
    return float(spearmanr(both["value_ours"], both["value_truth"]).statistic), len(both)


def _both(ours: pd.DataFrame, truth: pd.DataFrame, level: str) -> pd.DataFrame:
    mine, real = (frame[frame["level"].eq(level)] for frame in (ours, truth))
    return mine.merge(real, on="name", suffixes=("_ours", "_truth"))


def _chance(log_odds: Floats, days: int) -> Floats:
    return np.asarray(1 - (1 - 1 / (1 + np.exp(-log_odds))) ** (days / _MONTH_DAYS))
