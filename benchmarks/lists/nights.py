"""The same nights worked through by different lists of one size."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchmarks.lists.company import CUSTOMER, PROBABILITY
from benchmarks.lists.worth import Worth, first_by, worth
from models.arrays import Floats, Index
from models.profit import Economics, changed_value, expected_value
from pipelines.lists.lanes import Capacity, place

MINUTES = 1_200.0


def placed(night: pd.DataFrame, value: Floats, economics: Economics) -> pd.DataFrame:
    """The night's lanes as the product places them, nobody barred and nobody held out."""
    p = night[PROBABILITY].to_numpy(dtype=np.float64)
    asked = night.assign(
        expected_value=expected_value(p, value, economics),
        contact_block_reason=pd.Series(pd.NA, index=night.index, dtype="str"),
        arm="treat",
    )
    return place(asked, Capacity(MINUTES))


def compared(
    night: pd.DataFrame,
    truth: pd.DataFrame,
    value: Floats,
    economics: Economics,
    more: Mapping[str, Floats],
) -> list[Worth]:
    """Each list of one night, all as long as the call list; ``more`` are further scores."""
    p = night[PROBABILITY].to_numpy(dtype=np.float64)
    kept = (truth["alone"] - truth["contacted"]).to_numpy(dtype=np.float64)
    brought = changed_value(kept, value, economics)
    lanes = placed(night, value, economics)["lane"]
    called: Index = np.flatnonzero(lanes.eq("call").to_numpy(dtype=bool))
    size = len(called)
    lists = {
        "call list": called,
        "by expected value alone": first_by(expected_value(p, value, economics), size),
        **{name: first_by(score, size) for name, score in more.items()},
        "by risk": first_by(p, size),
        "by customer value": first_by(value, size),
        "the truth's best": first_by(np.where(brought > 0, brought, -np.inf), size),
    }
    found = [worth(name, rows, truth, brought) for name, rows in lists.items()]
    return [*found, _at_random(truth, brought, size)]


def _at_random(truth: pd.DataFrame, brought: Floats, size: int) -> Worth:
    """What a random list of the same size would bring on average."""
    everybody = worth("at random", np.arange(len(truth)), truth, brought)
    share = size / len(truth)
    return Worth(
        everybody.name,
        size,
        everybody.value * share,
        everybody.kept * share,
        round(everybody.sleeping_dogs * share),
        everybody.harm * share,
    )


def customers(night: pd.DataFrame, rows: Index) -> set[str]:
    """The ids of a list."""
    return set(night[CUSTOMER].to_numpy(dtype=object)[rows])
