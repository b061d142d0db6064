"""The same lists had the types been dealt otherwise: one deal is as lucky as the next.

Types and effects are dealt again among those with the same way of paying, which is all that the
simulator's deal goes by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lists.truth import Key, read_key, responses
from benchmarks.lists.worth import Worth, worth
from models.arrays import Floats, Index
from models.profit import Economics, changed_value

DEALS = 50


@dataclass(frozen=True, slots=True)
class Dealt:
    """A list's mean over many deals, and the standard deviation of its value."""

    mean: Worth
    spread: float


def over_deals(
    truth: Path,
    rows: pd.DataFrame,
    lists: Mapping[str, Index],
    value: Floats,
    economics: Economics,
    days: int,
) -> list[Dealt]:
    """Each list (positions in ``rows``, which has the column autopay) over ``DEALS`` deals."""
    key, rng = read_key(truth), np.random.default_rng(0)
    found: dict[str, list[Worth]] = {name: [] for name in lists}
    for _ in range(DEALS):
        dealt = responses(_dealt_again(key, rows, rng), rows, days)
        kept = (dealt["alone"] - dealt["contacted"]).to_numpy(dtype=np.float64)
        brought = changed_value(kept, value, economics)
        for name, chosen in lists.items():
            found[name].append(worth(name, chosen, dealt, brought))
    return [_mean(parts) for parts in found.values()]


def _dealt_again(key: Key, rows: pd.DataFrame, rng: np.random.Generator) -> Key:
    first = rows.drop_duplicates("customer_id").set_index("customer_id")["autopay"].fillna(0)
    kinds = key.kinds.reindex(first.index)
    for paying in (first > 0, first <= 0):
        here = np.flatnonzero(paying.to_numpy(dtype=bool))
        kinds.iloc[here] = kinds.iloc[rng.permutation(here)].to_numpy()
    return replace(key, kinds=kinds)


def _mean(parts: list[Worth]) -> Dealt:
    def mean(name: str) -> float:
        return float(np.mean([getattr(part, name) for part in parts]))

    dogs = round(mean("sleeping_dogs"))
    sums = Worth(parts[0].name, parts[0].called, mean("value"), mean("kept"), dogs, mean("harm"))
    return Dealt(sums, float(np.std([part.value for part in parts])))
