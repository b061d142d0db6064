"""The answer key: true hazards by month, what calls would do to whom, and what they did."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from pipelines.simulator.calling import Response, takes_offers
from pipelines.simulator.clock import Floats, Ints
from pipelines.simulator.hazard import Hazard
from pipelines.simulator.options import TYPES
from pipelines.simulator.record import ACTIONS, key_texts
from pipelines.simulator.world import Month, World
from pipelines.simulator.writer import ParquetFiles

_CALLS = pa.schema(
    {"customer_id": pa.string(), "month": pa.date32(), "action": pa.string()}
    | dict.fromkeys(("held_out", "reached", "fits"), pa.bool_())
    | {"effect": pa.float64(), "offer_taken": pa.bool_()}
)
"""Of the file that may have no rows; the others are as their first rows are."""
_README = """# The answer key of a simulated company

Made by `pipelines.simulator`; no part of the pipeline reads it. `docs/simulation.md` tells what
each file and column holds, the rule, and what a simulation cannot show.
"""


class TruthFiles(ParquetFiles):
    """Writes the answer key a month at a time, rows by month and customer."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "README.md").write_text(_README, encoding="utf-8")
        self.append("calls", _CALLS.empty_table())

    def deal(self, world: World, quiet: Floats) -> None:
        """Append new customers' types, and how quiet they are by nature."""
        kinds = pa.array(TYPES, pa.string()).take(pa.array(world.kind))
        told = {"customer_id": key_texts("C", world.number), "quiet": quiet, "type": kinds}
        self.append("customers", pa.table(told | {"effect_of_contact": world.effect}))

    def write(
        self, world: World, month: Month, hazard: Hazard, base: float, response: Response
    ) -> None:
        """Append one month: the hazards, and what calls would do."""
        count = len(world)
        night = {"customer_id": key_texts("C", world.number), "month": _day(month, count)}
        hazards = night | {
            "hazard": hazard.probability,
            "log_odds": hazard.log_odds,
            "base": np.full(count, base),
            **{name: share.astype(np.float32) for name, share in hazard.shares.items()},
            "asleep": response.asleep.astype(np.float32),
        }
        responses = night | {
            "household_id": key_texts("H", world.household),
            "hazard_untouched": expit(hazard.log_odds - hazard.shares["share_outreach"]),
            "earlier_calls": response.earlier,
            "if_fitting": response.if_fitting,
            "if_other": response.if_other,
            "fitting": _actions(response.fitting),
            "reach": np.full(count, month.dials.reach, dtype=np.float32),
            "takes_offer": takes_offers(world.number, month.dials.accept),
        }
        self.append("hazard", pa.table(hazards))
        self.append("responses", pa.table(responses))

    def note(self, month: Month, outcome: Mapping[str, npt.NDArray[Any]]) -> None:
        """Append the calls of one night."""
        columns = {"month": _day(month, len(outcome["customer_id"])), **outcome}
        columns["customer_id"] = key_texts("C", outcome["customer_id"])
        columns["action"] = _actions(outcome["action"])
        self.append("calls", pa.table(columns).select(_CALLS.names))


def _day(month: Month, count: int) -> pa.Array:
    return pa.array(np.full(count, month.first, dtype=np.int32), pa.date32())


def _actions(codes: Ints) -> pa.Array:
    return pa.array(ACTIONS, pa.string()).take(pa.array(codes, mask=codes < 0))
