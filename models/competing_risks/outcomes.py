"""Outcome classes of the competing-risks model: single outcomes, and the rare ones pooled."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from features.contract import OUTCOMES
from features.errors import GateError
from models.competing_risks.person_periods import STILL, expand
from models.dataset.histories import Histories

OTHER = "other"
FEWEST = 50


@dataclass(frozen=True, slots=True)
class OutcomeClasses:
    """The classes after "still a customer", and the outcomes that each stands for."""

    names: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]

    @property
    def pooled(self) -> tuple[str, ...]:
        """The outcomes that the class ``other`` stands for."""
        return self.groups[-1] if self.names[-1] == OTHER else ()


def group_causes(
    histories: Histories, lead_days: int, periods: int, known_before: date
) -> OutcomeClasses:
    """Outcomes that ended at least ``FEWEST`` customers, and the others pooled as ``other``.

    Counted are customers whose end lies in a period at risk that was complete by
    ``known_before``. Raises ``GateError`` when fewer gave voluntary notice.
    """
    single = tuple((name,) for name in OUTCOMES)
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
    groups = tuple((name,) for name in own)
    return OutcomeClasses((*own, OTHER), (*groups, rest)) if rest else OutcomeClasses(own, groups)
