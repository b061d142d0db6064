"""What calling would bring: the true expected effect of any call, from the answer key."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.simulator.calling import OFFERING, stronger
from pipelines.simulator.compare import chance_of_notice


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
    rows = pd.read_parquet(truth / "responses.parquet")
    rows["month"] = pd.to_datetime(rows["month"])
    key, hazard = ["customer_id", "month"], rows.set_index(["customer_id", "month"])
    found = calls[["customer_id"]].assign(month=pd.to_datetime(calls["published_on"]))
    found = found.assign(call=np.arange(len(calls))).merge(rows, on=key, how="left")
    fits = found["fitting"].to_numpy() == calls["action"].to_numpy()
    found["effect"] = np.where(fits, found["if_fitting"], found["if_other"])
    mates = found[["household_id", "month", "call", "effect", "customer_id"]].merge(
        rows.dropna(subset="household_id"), on=["household_id", "month"], suffixes=("_caller", "")
    )
    mates = mates[mates["customer_id"] != mates["customer_id_caller"]]
    pairs = []
    for felt, part in ((found, 1.0), (mates, household_spill)):
        before = felt["earlier_calls"].to_numpy(dtype=np.float64)
        after = stronger(before, part * felt["effect"].to_numpy(dtype=np.float64))
        lived = hazard["hazard_untouched"]
        pairs.append(
            [chance_of_notice(lived, felt[key], (0, days), add) for add in (before, after)]
        )
    (alone, if_reached), (mates_alone, mates_reached) = pairs
    spilt = np.bincount(mates["call"], mates_alone - mates_reached, minlength=len(calls))
    reach = found["reach"].to_numpy(dtype=np.float64)
    offers = found["takes_offer"].to_numpy(dtype=bool) & calls["action"].isin(OFFERING).to_numpy()
    columns = {"alone": alone, "if_reached": if_reached, "reduction": reach * (alone - if_reached)}
    return pd.DataFrame(columns | {"mates": reach * spilt, "offer": reach * offers}, calls.index)
