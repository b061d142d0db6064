"""Expected value of contact for each customer, from the company's economics.

Without economics there are no values, and risk ranks.
"""

from datetime import date

import numpy as np
import pandas as pd

from models.causal.uplift import woken_shares
from models.dataset.array_types import Floats
from models.dataset.examples import MARGIN
from models.metrics.profit import expected_value, uplift_value
from pipelines.config.economics import customer_values, economics_of
from pipelines.config.settings import Settings
from pipelines.lists.leave_in_peace import asleep
from pipelines.scoring.scores import UPLIFT


def with_values(settings: Settings, scored: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """``scored`` with ``asleep``, and with values where the company gives economics.

    Where it was measured who responds (``UPLIFT``), that decides and nobody counts as asleep.
    """
    sleeps = asleep(settings.list.peace, scored, as_of) & (UPLIFT not in scored)
    scored = scored.assign(asleep=sleeps)
    economics = economics_of(settings.economics)
    margin = scored.reindex(columns=[MARGIN])[MARGIN].astype("float64")
    values = customer_values(settings, np.asarray(margin, dtype=np.float64))
    if economics is None or values is None:
        return scored
    p = scored["churn_probability"].to_numpy(dtype="float64")
    woken = woken_shares(p, sleeps.to_numpy(dtype=bool), economics.woken_share)

    def worth(value: Floats) -> Floats:
        if UPLIFT in scored:
            return uplift_value(scored[UPLIFT].to_numpy(dtype="float64"), value, economics)
        return expected_value(p, value, economics, woken)

    low, high = values
    return scored.assign(
        expected_value=worth(low),
        expected_value_high=worth(high),
        value_at_risk=p * low,
        currency=settings.company.currency,
    )
