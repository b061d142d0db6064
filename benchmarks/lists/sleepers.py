"""What it costs and saves to take those for asleep who have been silent for so many days."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.lists.company import PROBABILITY, by_night, part
from benchmarks.lists.deals import Deal, over_deals
from benchmarks.lists.nights import CALL_LIST, called, placed
from benchmarks.lists.worth import Worth, first_by
from models.dataset.array_types import Index
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
    nights = by_night(rows)
    return [_with(_asleep_after(settings, d), d, rows, nights, deals, minutes) for d in DAYS]


def _asleep_after(settings: Settings, days: int | None) -> Settings:
    peace = settings.list.peace.model_copy(update={"asleep_days": days})
    lists = settings.list.model_copy(update={"peace": peace})
    return settings.model_copy(update={"list": lists})


def _with(
    settings: Settings,
    days: int | None,
    rows: pd.DataFrame,
    nights: Sequence[Index],
    deals: Sequence[Deal],
    minutes: float,
) -> Sleepers:
    ours, theirs, peace = [], [], []
    for night in nights:
        here = part(rows, night)
        lanes = placed(settings, here, Capacity(minutes))
        ours.append(night[called(lanes)])
        risk = here[PROBABILITY].to_numpy(dtype=np.float64)
        theirs.append(night[first_by(risk, len(ours[-1]))])
        peace.append(night[lanes["lane_rule"].eq(_RULE).to_numpy(dtype=bool)])
    lists = {CALL_LIST: np.concatenate(ours), "by risk": np.concatenate(theirs)}
    mine, risky = (dealt.mean for dealt in over_deals(deals, lists))
    left = np.concatenate(peace)
    types = [deal.truth["type"].iloc[left].eq(_PERSUADABLE).sum() for deal in deals]
    avoided = 1 - mine.harm / risky.harm
    return Sleepers(minutes, days, mine, avoided, len(left), round(float(np.mean(types))))
