"""The same lists had the types been dealt otherwise: one deal is as lucky as the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from benchmarks.lists.company import Company, part
from benchmarks.lists.truth import read_key, responses
from benchmarks.lists.worth import Worth, combined, contact_worth, worth
from models.dataset.array_types import Floats, Index
from pipelines.simulator.calling import deal_types
from pipelines.simulator.options import TYPES, USUAL_TYPES

DEALS = 50


@dataclass(frozen=True, slots=True)
class Deal:
    """The responses of all rows in one deal, and what contacting each would bring."""

    truth: pd.DataFrame
    brought: Floats

    def of(self, rows: Index) -> "Deal":
        """The rows at these positions."""
        return Deal(part(self.truth, rows), self.brought[rows])


@dataclass(frozen=True, slots=True)
class Dealt:
    """A list's mean over many deals, and the standard deviation of its value."""

    mean: Worth
    spread: float


def deal_again(company: Company) -> list[Deal]:
    """``DEALS`` deals by the simulator's own law, which goes by how silent one is by nature."""
    key, rng = read_key(company.key), np.random.default_rng(0)
    quiet = key.kinds["quiet"].to_numpy(dtype=np.float64)
    found = []
    for _ in range(DEALS):
        kind, effect = deal_types(rng, quiet, USUAL_TYPES)
        kinds = {"type": np.array(TYPES)[kind], "effect_of_contact": effect}
        assigned = replace(key, kinds=key.kinds.assign(**kinds))
        told = responses(assigned, company.scores, company.days)
        found.append(Deal(told, contact_worth(told, company.value, company.economics)))
    return found


def over_deals(deals: Sequence[Deal], lists: Mapping[str, Index]) -> list[Dealt]:
    """Each list (positions in the deals' rows) over all deals."""
    found = []
    for name, chosen in lists.items():
        parts = [worth(name, chosen, deal.truth, deal.brought) for deal in deals]
        spread = float(np.std([part.value for part in parts]))
        found.append(Dealt(combined(parts, lambda figure: float(np.mean(figure))), spread))
    return found
