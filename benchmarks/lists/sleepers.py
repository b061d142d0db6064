"""What it costs and saves to take those for asleep who have been silent for so many days."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.lists.company import PROBABILITY, by_night, part
from benchmarks.lists.deals import Deal, over_deals
from benchmarks.lists.nights import BY_RISK, CALL_LIST, called, placed
from benchmarks.lists.worth import Worth, first_by
from pipelines.config.settings import Settings
from pipelines.lists.lanes import Capacity

DAYS = (None, 180, 90, 60, 30)
_RULE, _PERSUADABLE = "asleep", "persuadable"


@dataclass(frozen=True, slots=True)
class Sleepers:
    """The call list where ``days`` of silence make a sleeper (None: nobody is one), over deals.

    ``avoided`` is the share of the harm of a list by risk of the same length; of the
    ``left_in_peace`` by the rule alone, ``persuadable`` would have stayed because of the contact.
    """

    minutes: float
    days: int | None
    worth: Worth
    avoided: float
    left_in_peace: int
    persuadable: int


def by_days_of_silence(
    settings: Settings, rows: pd.DataFrame, deals: Sequence[Deal], minutes: float
) -> list[Sleepers]:
    """One for each of ``DAYS``; ``rows`` are those of the deals, night after night."""
    risk = rows[PROBABILITY].to_numpy(dtype=np.float64)
    found = []
    for days in DAYS:
        peace = settings.list.peace.model_copy(update={"asleep_days": days})
        lists = settings.list.model_copy(update={"peace": peace})
        changed = settings.model_copy(update={"list": lists})
        ours, theirs, asleep = [], [], []
        for night in by_night(rows):
            lanes = placed(changed, part(rows, night), Capacity(minutes))
            ours.append(night[called(lanes)])
            theirs.append(night[first_by(risk[night], len(ours[-1]))])
            asleep.append(night[lanes["lane_rule"].eq(_RULE).to_numpy(dtype=bool)])
        both = {CALL_LIST: np.concatenate(ours), BY_RISK: np.concatenate(theirs)}
        mine, risky = (dealt.mean for dealt in over_deals(deals, both))
        left = np.concatenate(asleep)
        types = [deal.truth["type"].iloc[left].eq(_PERSUADABLE).sum() for deal in deals]
        figures = 1 - mine.harm / risky.harm, len(left), round(float(np.mean(types)))
        found.append(Sleepers(minutes, days, mine, *figures))
    return found
