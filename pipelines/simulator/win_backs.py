"""Customers who come back after a notice of their own: the same customer, a new contract."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from pipelines.simulator.population import CONTRACT_COLUMNS, sign_contracts, write_contracts
from pipelines.simulator.prices import PriceBook
from pipelines.simulator.record import NONE
from pipelines.simulator.world import Month, World
from pipelines.simulator.writer import AHEAD

_AFTER_MONTHS, _WITHIN_MONTHS = AHEAD + 2, 12
"""By then, everything from before the notice is written."""


@dataclass(slots=True)
class Gone:
    """Those who gave notice of free will, a world for each month; the latest last."""

    months: deque[World] = field(default_factory=deque)

    def leave(self, world: World) -> None:
        """Remember this month's; forget those who will not come back any more."""
        self.months.append(world)
        if len(self.months) > _AFTER_MONTHS + _WITHIN_MONTHS:
            self.months.popleft()

    def come_back(self, month: Month, book: PriceBook) -> World | None:
        """Some of them with new contracts from this month on, as if nothing had happened before."""
        rng = month.rng("win-backs")
        back = None
        for place in range(len(self.months) - _AFTER_MONTHS):
            world = self.months[place]
            picked = rng.random(len(world)) < month.dials.win_backs
            self.months[place] = world.keep(~picked)
            back = world.keep(picked) if back is None else back.joined_by(world.keep(picked))
        if back is None or not len(back):
            return None
        for name in (*CONTRACT_COLUMNS, "invoice"):
            getattr(back, name)[:] = NONE
        back.joined = month.random_days(rng, len(back))
        back.dealt_on = back.joined.copy()
        for name in ("memory", "coming", "touch"):
            getattr(back, name)[:] = 0
        sign_contracts(rng, back, book, month.last, settled=False)
        write_contracts(back, month.sink)
        month.sink.notice_at[back.number] = np.iinfo(np.int64).max
        return back
