"""The same lists had the types been dealt otherwise: one deal is as lucky as the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lists.truth import read_key, responses
from benchmarks.lists.worth import Worth, worth
from models.dataset.array_types import Floats, Index
from models.metrics.profit import Economics, uplift_value
from pipelines.simulator.options import TYPES, USUAL_TYPES
from pipelines.simulator.truth import deal_types

DEALS = 50


@dataclass(frozen=True, slots=True)
class Deal:
    """The responses of all rows in one deal, and what contacting each would bring."""

    truth: pd.DataFrame
    brought: Floats

    def of(self, rows: Index) -> "Deal":
        """The rows at these positions."""
        return Deal(self.truth.iloc[rows].reset_index(drop=True), self.brought[rows])


@dataclass(frozen=True, slots=True)
class Dealt:
    """A list's mean over many deals, and the standard deviation of its value."""

    mean: Worth
    spread: float


def deal_again(
    truth: Path, rows: pd.DataFrame, value: Floats, economics: Economics, days: int
) -> list[Deal]:
    """``DEALS`` deals by the simulator's own law, which goes by how silent one is by nature."""
    key, rng = read_key(truth), np.random.default_rng(0)
    quiet = key.kinds["quiet"].to_numpy(dtype=np.float64)
    found = []
    for _ in range(DEALS):
        dealt = deal_types(rng, quiet, USUAL_TYPES)
        kinds = {"type": np.array(TYPES)[dealt.kind], "effect_of_contact": dealt.effect}
        told = responses(replace(key, kinds=key.kinds.assign(**kinds)), rows, days)
        kept = (told["alone"] - told["contacted"]).to_numpy(dtype=np.float64)
        found.append(Deal(told, uplift_value(kept, value, economics)))
    return found


def over_deals(deals: Sequence[Deal], lists: Mapping[str, Index]) -> list[Dealt]:
    """Each list (positions in the deals' rows) over all deals."""
    return [
        _mean([worth(name, chosen, deal.truth, deal.brought) for deal in deals])
        for name, chosen in lists.items()
    ]


def _mean(parts: list[Worth]) -> Dealt:
    def mean(name: str) -> float:
        return float(np.mean([getattr(part, name) for part in parts]))

    woken = round(mean("woken"))
    sums = Worth(parts[0].name, parts[0].called, mean("value"), mean("kept"), woken, mean("harm"))
    return Dealt(sums, float(np.std([part.value for part in parts])))
