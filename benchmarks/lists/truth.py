"""What being contacted would do to each customer, from the simulator's answer key."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from models.arrays import Floats
from models.logit import logit

SLEEPING_DOG = "sleeping_dog"


@dataclass(frozen=True, slots=True)
class Key:
    """``hazard`` by customer and month; ``kinds`` by customer: type and effect_of_contact."""

    hazard: "pd.Series[float]"
    kinds: pd.DataFrame


def read_key(truth: Path) -> Key:
    """Read the folder of an answer key."""
    hazards = pd.read_parquet(truth / "hazard.parquet", columns=["customer_id", "month", "hazard"])
    hazards["month"] = pd.to_datetime(hazards["month"])
    kinds = pd.read_parquet(truth / "customers.parquet").set_index("customer_id")
    return Key(hazards.set_index(["customer_id", "month"])["hazard"], kinds)


def responses(key: Key, rows: pd.DataFrame, days: int) -> pd.DataFrame:
    """``alone`` and ``contacted``: chances of leaving within ``days`` of each row; and ``type``.

    ``rows`` has customer_id and as_of, first days of months. From the true hazards of the months
    that followed, so they know what has yet to happen; a month that the customer did not live to
    see has the hazard of the one before. Contact moves the log-odds of every month from the
    as-of date on.
    """
    kinds = key.kinds.reindex(rows["customer_id"])
    effect = kinds["effect_of_contact"].to_numpy(dtype=np.float64)
    stays = np.ones((2, len(rows)))
    as_of = pd.to_datetime(rows["as_of"])
    hazard = np.full(len(rows), np.nan)
    for offset in range(days // 28 + 1):
        first = as_of + pd.DateOffset(months=offset)
        months = pd.MultiIndex.from_arrays([rows["customer_id"], first])
        found = key.hazard.reindex(months).to_numpy()
        hazard = np.where(np.isnan(found), hazard, found)
        inside = _inside(first, as_of, days)
        for row, change in enumerate((0.0, effect)):
            stays[row] *= (1 - _moved(hazard, change)) ** inside
    return pd.DataFrame(
        {
            "alone": 1 - stays[0],
            "contacted": 1 - stays[1],
            "type": kinds["type"].to_numpy(),
        },
        index=rows.index,
    )


def _inside(first: pd.Series, as_of: pd.Series, days: int) -> Floats:
    """Share of each month that lies within the window."""
    following = first + pd.DateOffset(months=1)
    end = as_of + pd.Timedelta(days=days)
    last = following.where(following < end, end)
    share = (last - first).dt.days.clip(lower=0) / (following - first).dt.days
    return share.to_numpy(dtype=np.float64)


def _moved(hazard: Floats, change: Floats | float) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(logit(hazard) + change))), dtype=np.float64)
