"""Expected value of contact for each customer, from the company's economics.

Without economics there are no values, and risk ranks.
"""

from datetime import date

import numpy as np
import pandas as pd

from models.causal.sleeping_dogs import asleep
from models.dataset.array_types import Floats
from models.metrics.profit import Contacts, uplift_value
from pipelines.config.economics import contacts_of
from pipelines.config.settings import Settings
from pipelines.scoring.scores import REMAINS, UPLIFT


def with_values(settings: Settings, scored: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """``scored`` with ``asleep``, and with values where the company gives economics.

    Where it was measured how a customer like this one responds (``UPLIFT``), that decides and
    nobody counts as asleep. Elsewhere, where no trial has been, the rule before it stands.
    """
    reduction = scored.reindex(columns=[UPLIFT])[UPLIFT].to_numpy(dtype="float64")
    remains = scored.reindex(columns=[REMAINS])[REMAINS].fillna(1.0).to_numpy(dtype="float64")
    sleeps = asleep(scored, as_of, settings.list.peace.asleep_days)
    p = scored["churn_probability"].to_numpy(dtype="float64")
    cohort = scored.assign(asleep=sleeps, as_of=pd.Timestamp(as_of))
    contacts = contacts_of(settings, cohort, p, as_of)
    scored = scored.assign(asleep=sleeps & np.isnan(reduction))
    if contacts is None:
        return scored

    def worth(each: Contacts) -> Floats:
        by_effect = uplift_value(reduction, each.value, each.economics, remains * (1 - p))
        return np.where(np.isnan(reduction), each.worth(p, remains), by_effect)

    low, high = contacts
    return scored.assign(
        expected_value=worth(low),
        expected_value_high=worth(high),
        value_at_risk=p * remains * low.value,
        currency=settings.company.currency,
    )
