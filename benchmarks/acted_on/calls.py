"""Calls of a policy from outside the simulated company, checked, as it makes them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipelines.simulator.calling import CallList
from pipelines.simulator.clock import make_clock
from pipelines.simulator.record import ACTIONS

_ARMS = ("treat", "holdout")


def read_calls(calls: pd.DataFrame, months: int) -> Mapping[int, CallList]:
    """An outside policy's calls by number of the month, of so many; no rows give none.

    ``calls``: ``customer_id`` text, ``published_on`` the as-of date of the list (the first day of
    a simulated month; dates or text), ``action`` one of ``ACTIONS``, ``arm`` treat or holdout.
    Raises ``ValueError`` for another day, action or arm, or a customer twice in a night.
    """
    if calls.empty:
        return {}
    clock = make_clock(months)
    days = pd.to_datetime(calls["published_on"]).to_numpy("datetime64[D]").astype(np.int64)
    nights = clock.month_of(days)
    wrong = {
        "published_on must be the first day of a simulated month": days
        != clock.first_days[np.clip(nights, 0, clock.months - 1)],
        f"action must be one of {', '.join(ACTIONS)}": ~calls["action"].isin(ACTIONS),
        "arm must be treat or holdout": ~calls["arm"].isin(_ARMS),
        "a customer is called once a night": calls.duplicated(["customer_id", "published_on"]),
    }
    for rule, broken in wrong.items():
        if np.any(broken):
            raise ValueError(f"calls: {rule} ({int(np.sum(broken))} rows)")
    number = calls["customer_id"].str[1:].astype(np.int64).to_numpy()
    action = calls["action"].map(ACTIONS.index).to_numpy(dtype=np.int64)
    held_out = calls["arm"].eq("holdout").to_numpy(dtype=bool)
    own = {int(night): nights == night for night in np.unique(nights)}
    return {night: CallList(number[at], action[at], held_out[at]) for night, at in own.items()}
