"""The same nights worked through by different lists of one size."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchmarks.lists.company import PROBABILITY
from benchmarks.lists.worth import Worth, combined, contact_worth, first_by, worth
from models.dataset.array_types import Floats, Index, Mask
from models.metrics.profit import Economics, expected_value
from pipelines.config.settings import Settings
from pipelines.lists.lanes import Capacity, place
from pipelines.lists.placement import satisfied_silent, with_values

MINUTES, LONG_MINUTES = 1_200.0, 6_000.0
CALL_LIST, BY_RISK, BEST = "call list", "by risk", "the truth's best"


def placed(
    settings: Settings, night: pd.DataFrame, capacity: Capacity, was_called: Mask | None = None
) -> pd.DataFrame:
    """The night's lanes as the product places them, nobody barred and nobody held out."""
    as_of = night["as_of"].iloc[0]
    asked = with_values(settings, night, as_of).assign(
        contact_block_reason=pd.Series(pd.NA, index=night.index, dtype="str"),
        arm="treat",
        household_id=None,
        satisfied_silent=satisfied_silent(settings.list.peace, night, as_of),
        was_called=False if was_called is None else was_called,
    )
    return place(asked, capacity)


def called(lanes: pd.DataFrame) -> Index:
    """Positions of the call list."""
    return np.flatnonzero(lanes["lane"].eq("call").to_numpy(dtype=bool))


def chosen(
    settings: Settings, night: pd.DataFrame, value: Floats, economics: Economics, minutes: float
) -> dict[str, Index]:
    """The lists that know nothing of the truth, all as long as the call list."""
    p = night[PROBABILITY].to_numpy(dtype=np.float64)
    ours = called(placed(settings, night, Capacity(minutes)))
    return {
        CALL_LIST: ours,
        "by expected value alone": first_by(expected_value(p, value, economics), len(ours)),
        BY_RISK: first_by(p, len(ours)),
        "by customer value": first_by(value, len(ours)),
    }


def compared(
    lists: Mapping[str, Index],
    truth: pd.DataFrame,
    value: Floats,
    economics: Economics,
    more: Mapping[str, Floats],
) -> list[Worth]:
    """Each list of one night and, as long, those by the scores ``more``, the best, and what chance
    would bring on average."""
    brought = contact_worth(truth, value, economics)
    size = len(lists[CALL_LIST])
    best = {BEST: np.where(brought > 0, brought, -np.inf)}
    by_score = {name: first_by(score, size) for name, score in {**more, **best}.items()}
    found = [worth(name, rows, truth, brought) for name, rows in {**lists, **by_score}.items()]
    everybody = worth("at random", np.arange(len(truth)), truth, brought)
    return [*found, combined([everybody], lambda figure: figure[0] * size / len(truth))]
