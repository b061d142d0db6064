"""What calling would bring: the true expected effect of any call, from the answer key."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from pipelines.simulator.calling import OFFERING
from pipelines.simulator.clock import Floats
from pipelines.simulator.options import DECAY
from pipelines.simulator.reactions import stronger


def expected_effect(
    truth: Path, calls: pd.DataFrame, days: int, household_spill: float = 0.0
) -> pd.DataFrame:
    """The effect of each call, had it been the only one from its night on; rows as ``calls``.

    ``calls``: ``customer_id``, ``published_on`` (a night of the answer key on which the customer
    is there) and ``action``. Columns: ``alone`` and ``if_reached``, the chances of a notice within
    ``days`` of the night; ``reduction``, the chance that a call takes away, whether it reaches or
    not; ``mates``, what it takes away from the household's others together, of whom each feels
    ``household_spill`` of it; ``offer``, the chance that an offer made in it is taken. The months
    that followed are known; after a notice the last hazard stands. Only voluntary notices count.
    """
    nights = pd.read_parquet(truth / "responses.parquet")
    nights["month"] = pd.to_datetime(nights["month"])
    lookup = nights.set_index(["customer_id", "month"])
    customers, night = calls["customer_id"].to_numpy(), pd.to_datetime(calls["published_on"])
    own = lookup.reindex(_keys(customers, night))
    fits = own["fitting"].to_numpy() == calls["action"].to_numpy()
    effect = np.where(fits, own["if_fitting"], own["if_other"]).astype(np.float64)
    alone, if_reached = _chances(lookup, customers, night, own["earlier_calls"], effect, days)
    reach = own["reach"].to_numpy(dtype=np.float64)
    offers = own["takes_offer"].to_numpy(dtype=bool) & calls["action"].isin(OFFERING).to_numpy()
    columns = {"alone": alone, "if_reached": if_reached, "reduction": reach * (alone - if_reached)}
    spilt = pd.DataFrame(
        {"household_id": own["household_id"].to_numpy(), "month": night.to_numpy()}
    )
    spilt = spilt.assign(call=np.arange(len(calls)), caller=customers, effect=effect)
    mates = spilt.dropna(subset="household_id").merge(nights, on=["household_id", "month"])
    mates = mates[mates["customer_id"] != mates["caller"]]
    before, after = _chances(
        lookup,
        mates["customer_id"].to_numpy(),
        mates["month"],
        mates["earlier_calls"],
        household_spill * mates["effect"].to_numpy(dtype=np.float64),
        days,
    )
    gains = np.bincount(mates["call"].to_numpy(np.int64), before - after, minlength=len(calls))
    return pd.DataFrame(columns | {"mates": reach * gains, "offer": reach * offers}, calls.index)


def _keys(customers: np.ndarray, months: "pd.Series[pd.Timestamp]") -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([customers, months])


def _chances(
    lookup: pd.DataFrame,
    customers: np.ndarray,
    night: "pd.Series[pd.Timestamp]",
    earlier: "pd.Series[float]",
    effect: Floats,
    days: int,
) -> tuple[Floats, Floats]:
    """Chances of a notice within ``days``, without the call and with it."""
    before = earlier.to_numpy(dtype=np.float64)
    felt = np.stack([before, stronger(before, effect)])
    stays, hazard = np.ones(felt.shape), np.full(len(customers), np.nan)
    end = night + pd.Timedelta(days=days)
    for ahead in range(days // 28 + 2):
        first = night + pd.DateOffset(months=ahead)
        last = night + pd.DateOffset(months=ahead + 1)
        lived = lookup["hazard_untouched"].reindex(_keys(customers, first)).to_numpy()
        hazard = np.where(np.isnan(lived), hazard, lived)
        inside = (last.where(last < end, end) - first).dt.days.clip(lower=0)
        share = (inside / (last - first).dt.days).to_numpy()
        stays *= (1 - expit(logit(hazard) + felt * DECAY["outreach"] ** ahead)) ** share
    return 1 - stays[0], 1 - stays[1]
