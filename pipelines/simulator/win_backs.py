"""Customers who come back after a notice of their own: the same customer, a new contract."""

import numpy as np

from pipelines.simulator.population import CONTRACT_COLUMNS, sign_contracts, write_contracts
from pipelines.simulator.prices import PriceBook
from pipelines.simulator.record import NONE
from pipelines.simulator.world import Month, World
from pipelines.simulator.writer import AHEAD

_AFTER_MONTHS, _WITHIN_MONTHS = AHEAD + 2, 12
"""By then, everything from before the notice is written."""


def come_back(gone: World, month: Month, book: PriceBook) -> tuple[World, World]:
    """Who comes back this month, and who is still gone and may do so later.

    ``gone`` gave notice of free will, in the month of ``joined``. Those who come back have new
    contracts and remember nothing.
    """
    rng, chance = month.rng("win-backs"), month.dials.win_backs
    months = month.number - month.clock.month_of(gone.joined)
    may = (months < _AFTER_MONTHS + _WITHIN_MONTHS) & (chance > 0)
    does = may & (months >= _AFTER_MONTHS) & (rng.random(len(gone)) < chance)
    back = gone.keep(does)
    if len(back):
        for name in (*CONTRACT_COLUMNS, "invoice"):
            getattr(back, name)[:] = NONE
        for name in ("memory", "coming", "touch"):
            getattr(back, name)[:] = 0
        back.joined = month.random_days(rng, len(back))
        back.dealt_on = back.joined.copy()
        sign_contracts(rng, back, book, month.last, settled=False)
        write_contracts(back, month.sink)
        month.sink.notice_at[back.number] = np.iinfo(np.int64).max
    return back, gone.keep(may & ~does)
