"""The answer key: true hazards by month, what calls would do to whom, and what they did."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet
from scipy.special import expit

from pipelines.simulator.calling import Response, takes_offers
from pipelines.simulator.clock import Floats, Ints
from pipelines.simulator.coefficients import CODES
from pipelines.simulator.hazard import Hazard
from pipelines.simulator.options import TYPES
from pipelines.simulator.record import ACTIONS, key_texts
from pipelines.simulator.world import Month, World

CUSTOMERS = pa.schema(
    {"customer_id": pa.string(), "quiet": pa.float64(), "type": pa.string()}
    | {"effect_of_contact": pa.float64()}
)
SHARES = (*(f"share_{code}" for code in CODES), "share_season", "share_unseen")
_NIGHT = {"customer_id": pa.string(), "month": pa.date32()}
HAZARD = pa.schema(
    _NIGHT
    | dict.fromkeys(("hazard", "log_odds", "base"), pa.float64())
    | dict.fromkeys((*SHARES, "asleep"), pa.float32())
)
RESPONSES = pa.schema(
    _NIGHT
    | {"household_id": pa.string(), "hazard_untouched": pa.float64()}
    | dict.fromkeys(("earlier_calls", "if_fitting", "if_other"), pa.float64())
    | {"fitting": pa.string(), "reach": pa.float32(), "takes_offer": pa.bool_()}
)
CALLS = pa.schema(
    _NIGHT
    | {"action": pa.string()}
    | dict.fromkeys(("held_out", "reached", "fits"), pa.bool_())
    | {"effect": pa.float64(), "offer_taken": pa.bool_()}
)
SCHEMAS = {"hazard": HAZARD, "customers": CUSTOMERS, "responses": RESPONSES, "calls": CALLS}
_README = """# The answer key of a simulated company

Made by `pipelines.simulator`; no part of the pipeline reads it. `docs/simulation.md` tells what
each file and column holds, the rule, and what a simulation cannot show.
"""


class TruthFiles:
    """Writes the answer key a month at a time, rows by month and customer."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "README.md").write_text(_README, encoding="utf-8")
        self.files = {
            name: parquet.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd")
            for name, schema in SCHEMAS.items()
        }

    def close(self) -> None:
        """Finish the files."""
        for file in self.files.values():
            file.close()

    def deal(self, world: World, quiet: Floats) -> None:
        """Append new customers' types, and how quiet they are by nature."""
        kinds = pa.array(TYPES, pa.string()).take(pa.array(world.kind))
        self._append("customers", key_texts("C", world.number), quiet, kinds, world.effect)

    def write(
        self, world: World, month: Month, hazard: Hazard, base: float, response: Response
    ) -> None:
        """Append one month: the hazards, and what calls would do."""
        count = len(world)
        night = (key_texts("C", world.number), _day(month, count))
        self._append(
            "hazard",
            *night,
            hazard.probability,
            hazard.log_odds,
            np.full(count, base),
            *(hazard.shares[name].astype(np.float32) for name in SHARES),
            response.asleep.astype(np.float32),
        )
        self._append(
            "responses",
            *night,
            key_texts("H", world.household),
            expit(hazard.log_odds - hazard.shares["share_outreach"]),
            response.earlier,
            response.if_fitting,
            response.if_other,
            _actions(response.fitting),
            np.full(count, month.dials.reach, dtype=np.float32),
            takes_offers(world.number, month.dials.accept),
        )

    def note(self, month: Month, outcome: Mapping[str, npt.NDArray[Any]]) -> None:
        """Append the calls of one night."""
        columns = {"month": _day(month, len(outcome["customer_id"])), **outcome}
        columns["customer_id"] = key_texts("C", outcome["customer_id"])
        columns["action"] = _actions(outcome["action"])
        self._append("calls", *(columns[name] for name in CALLS.names))

    def _append(self, name: str, *columns: pa.Array | Floats) -> None:
        file = self.files[name]
        file.write_table(pa.Table.from_arrays([pa.array(c) for c in columns], schema=file.schema))


def _day(month: Month, count: int) -> pa.Array:
    return pa.array(np.full(count, month.first, dtype=np.int32), pa.date32())


def _actions(codes: Ints) -> pa.Array:
    return pa.array(ACTIONS, pa.string()).take(pa.array(codes, mask=codes < 0))
