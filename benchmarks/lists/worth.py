"""What lists of one size bring and what harm they do, by the truth."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd

from benchmarks.lists.truth import SLEEPING_DOG
from models.dataset.array_types import Floats, Index
from models.metrics.profit import Economics, uplift_value


@dataclass(frozen=True, slots=True)
class Worth:
    """One list's sums by the truth: value in major units, leavers kept, and harm.

    ``woken`` are the sleeping dogs on it that are not awake anyhow, ``harm`` by how much leaving
    is raised among them, in expected leavers.
    """

    name: str
    called: float
    value: float
    kept: float
    woken: float
    harm: float


def contact_worth(truth: pd.DataFrame, value: Floats, economics: Economics) -> Floats:
    """What contacting each brings by the truth, (n,)."""
    alone = truth["alone"].to_numpy(dtype=np.float64)
    kept = alone - truth["contacted"].to_numpy(dtype=np.float64)
    return uplift_value(kept, value, economics, 1 - alone)


def worth(name: str, chosen: Index, truth: pd.DataFrame, brought: Floats) -> Worth:
    """Sum up the list ``chosen`` (positions)."""
    rows = truth.iloc[chosen]
    kept = rows["alone"] - rows["contacted"]
    dogs = rows["type"].eq(SLEEPING_DOG) & kept.lt(0)
    value, harm = float(brought[chosen].sum()), float(-kept[dogs].sum())
    return Worth(name, len(chosen), value, float(kept.sum()), int(dogs.sum()), harm)


def combined(parts: Sequence[Worth], how: Callable[[Sequence[float]], float]) -> Worth:
    """The same list over several nights or deals, each figure combined in one way."""
    _, *columns = zip(*map(astuple, parts), strict=True)
    return Worth(parts[0].name, *map(how, columns))


def first_by(score: Floats, size: int) -> Index:
    """The ``size`` rows of the highest scores above −∞, ties in the rows' order."""
    order = np.argsort(-score, kind="stable")[:size]
    return order[np.isfinite(score[order])]
