"""What being contacted would do to each customer, from the simulator's answer key."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from models.dataset.array_types import Floats
from models.metrics.logistic import logit

SLEEPING_DOG = "sleeping_dog"
_MONTH_DAYS = 365 / 12


@dataclass(frozen=True, slots=True)
class Key:
    """``months`` by customer and month: hazard, asleep; ``kinds`` by customer: type,
    effect_of_contact and quiet.
    """

    months: pd.DataFrame
    kinds: pd.DataFrame


def read_key(truth: Path) -> Key:
    """Read the folder of an answer key."""
    kinds = pd.read_parquet(truth / "customers.parquet").set_index("customer_id")
    return Key(_by_month(truth, "hazard", "asleep"), kinds)


def responses(key: Key, rows: pd.DataFrame, days: int) -> pd.DataFrame:
    """``alone`` and ``contacted``: chances of leaving within ``days`` of each row; and ``type``.

    ``rows`` has customer_id and as_of, first days of months. From the true hazards of the months
    that followed, so they know what has yet to happen; a month that the customer did not live to
    see has the hazard of the one before. Contact moves the log-odds of every month from the
    as-of date on; a sleeping dog's as far as it sleeps on that date.
    """
    kinds = key.kinds.reindex(rows["customer_id"])
    effect = _effects(key, kinds, rows)
    stays = np.ones((2, len(rows)))
    as_of = pd.to_datetime(rows["as_of"])
    hazard = np.full(len(rows), np.nan)
    for offset in range(days // 28 + 1):
        first = as_of + pd.DateOffset(months=offset)
        found = key.months["hazard"].reindex(_at(rows, first)).to_numpy()
        hazard = np.where(np.isnan(found), hazard, found)
        inside = _inside(first, as_of, days)
        for row, change in enumerate((np.zeros(len(rows)), effect)):
            stays[row] *= (1 - _moved(hazard, change)) ** inside
    types = kinds["type"].to_numpy()
    columns = {"alone": 1 - stays[0], "contacted": 1 - stays[1], "type": types}
    return pd.DataFrame(columns, index=rows.index)


def foreseeable(truth: Path, rows: pd.DataFrame, days: int) -> Floats:
    """Chances of leaving within ``days`` by the true rule, as far as anybody could see (n,).

    The hazard of the month that begins on the as-of date, without what no table shows (the
    customer's own frailty and the month's chance), as if it lasted; 0 where there is none.
    """
    months = _by_month(truth, "log_odds", "share_unseen")
    seen = months["log_odds"] - months["share_unseen"]
    here = _at(rows, rows["as_of"])
    hazard = expit(seen.reindex(here).fillna(-np.inf).to_numpy(dtype=np.float64))
    return np.asarray(1 - (1 - hazard) ** (days / _MONTH_DAYS), dtype=np.float64)


def _by_month(truth: Path, *columns: str) -> pd.DataFrame:
    """Columns of the hazards, by customer and month."""
    months = pd.read_parquet(truth / "hazard.parquet", columns=["customer_id", "month", *columns])
    months["month"] = pd.to_datetime(months["month"])
    return months.set_index(["customer_id", "month"])


def _at(rows: pd.DataFrame, months: pd.Series) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([rows["customer_id"], pd.to_datetime(months)])


def _effects(key: Key, kinds: pd.DataFrame, rows: pd.DataFrame) -> Floats:
    asleep = key.months["asleep"].reindex(_at(rows, rows["as_of"])).to_numpy(dtype=np.float64)
    effect = kinds["effect_of_contact"].to_numpy(dtype=np.float64)
    dogs = kinds["type"].eq(SLEEPING_DOG).to_numpy(dtype=bool)
    return np.where(dogs, effect * asleep, effect)


def _inside(first: pd.Series, as_of: pd.Series, days: int) -> Floats:
    """Share of each month that lies within the window."""
    following = first + pd.DateOffset(months=1)
    end = as_of + pd.Timedelta(days=days)
    last = following.where(following < end, end)
    share = (last - first).dt.days.clip(lower=0) / (following - first).dt.days
    return np.asarray(share, dtype=np.float64)


def _moved(hazard: Floats, change: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(logit(hazard) + change))), dtype=np.float64)
