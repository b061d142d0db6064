"""Outcome classes of the competing-risks model: single outcomes, and the rare ones pooled."""

from datetime import date

import numpy as np

from features.contract import OUTCOMES
from features.errors import GateError
from models.competing_risks.person_periods import STILL, expand
from models.dataset.histories import Histories

OTHER = "other"
FEWEST = 50


def cause_groups(causes: tuple[str, ...], pooled: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The outcomes that each of the ``causes`` stands for, ``other`` for those ``pooled``."""
    return tuple(pooled if cause == OTHER else (cause,) for cause in causes)


def group_causes(
    histories: Histories, lead_days: int, periods: int, known_before: date
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Outcomes that ended at least ``FEWEST`` customers, ``other`` last; and the ones it pools.

    Counted are customers whose end lies in a period at risk that was complete by
    ``known_before``. Raises ``GateError`` when fewer gave voluntary notice.
    """
    single = cause_groups(OUTCOMES, ())
    person_periods = expand(
        histories, single, lead_days=lead_days, periods=periods, known_before=known_before
    )
    ended = histories.customer_id[person_periods.row].astype(str)
    customers = {
        name: len(np.unique(ended[person_periods.outcome == STILL + 1 + i]))
        for i, name in enumerate(OUTCOMES)
    }
    if customers["voluntary"] < FEWEST:
        raise GateError(
            f"{customers['voluntary']} customers who gave voluntary notice are too few to learn "
            f"outcomes by horizon from: {FEWEST} are needed. Take in a longer history, or remove "
            "label.horizons from the configuration."
        )
    own = tuple(name for name in OUTCOMES if customers[name] >= FEWEST)
    rest = tuple(name for name in OUTCOMES if name not in own)
    return ((*own, OTHER) if rest else own), rest
