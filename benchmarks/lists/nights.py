"""The same nights worked through by different lists of one size."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchmarks.lists.company import PROBABILITY
from benchmarks.lists.worth import Worth, first_by, worth
from models.arrays import Floats, Index
from models.profit import Economics, changed_value, expected_value
from pipelines.lists.lanes import Capacity, place

MINUTES = 1_200.0
CALL_LIST, BY_RISK = "call list", "by risk"


def placed(night: pd.DataFrame, value: Floats, economics: Economics) -> pd.DataFrame:
    """The night's lanes as the product places them, nobody barred and nobody held out."""
    p = night[PROBABILITY].to_numpy(dtype=np.float64)
    asked = night.assign(
        expected_value=expected_value(p, value, economics),
        contact_block_reason=pd.Series(pd.NA, index=night.index, dtype="str"),
        arm="treat",
    )
    return place(asked, Capacity(MINUTES))


def chosen(night: pd.DataFrame, value: Floats, economics: Economics) -> dict[str, Index]:
    """The lists that know nothing of the truth, all as long as the call list."""
    p = night[PROBABILITY].to_numpy(dtype=np.float64)
    lanes = placed(night, value, economics)["lane"]
    called: Index = np.flatnonzero(lanes.eq("call").to_numpy(dtype=bool))
    size = len(called)
    return {
        CALL_LIST: called,
        "by expected value alone": first_by(expected_value(p, value, economics), size),
        BY_RISK: first_by(p, size),
        "by customer value": first_by(value, size),
    }


def compared(
    lists: Mapping[str, Index],
    truth: pd.DataFrame,
    value: Floats,
    economics: Economics,
    more: Mapping[str, Floats],
) -> list[Worth]:
    """Each list of one night and, as long, those by the scores ``more``, the best and chance."""
    kept = (truth["alone"] - truth["contacted"]).to_numpy(dtype=np.float64)
    brought = changed_value(kept, value, economics)
    size = len(lists[CALL_LIST])
    best = {"the truth's best": np.where(brought > 0, brought, -np.inf)}
    by_score = {name: first_by(score, size) for name, score in {**more, **best}.items()}
    found = [worth(name, rows, truth, brought) for name, rows in {**lists, **by_score}.items()]
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
