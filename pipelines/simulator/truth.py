"""The answer key: true hazards by month, what calls would do to whom, and what they did."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from scipy.special import expit

from pipelines.simulator.calling import Outcome, takes_offers
from pipelines.simulator.clock import Floats, Ints
from pipelines.simulator.coefficients import CODES
from pipelines.simulator.hazard import Hazard
from pipelines.simulator.options import TYPES
from pipelines.simulator.reactions import Response
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
    | {"called_on": pa.date32(), "action": pa.string()}
    | dict.fromkeys(("held_out", "reached", "fits"), pa.bool_())
    | {"effect": pa.float64(), "offer_taken": pa.bool_()}
)
_README = """# The answer key of a simulated company

Made by `pipelines.simulator`; no part of the pipeline reads it. `docs/simulation.md` gives the rule
and what a simulation cannot show. `hazard.parquet` and `responses.parquet` have one row per
customer and month, for customers without a notice on the month's first day (local midnight,
Europe/Oslo); the calls of that day's list are felt at once.

- `hazard`: probability of a voluntary notice in the month; `log_odds` = `base` + the `share_…`
  columns: what each driver adds, `share_season`, and `share_unseen`, what no table shows
- `asleep`: how soundly the customer sleeps, 0 to 1; no part of the hazard
- `hazard_untouched`: had no call ever been felt; `earlier_calls`: what earlier nights' calls still
  add to the log-odds
- `if_fitting`, `if_other`: what a call tonight that reaches the customer adds to the log-odds, with
  the action `fitting` (it answers the heaviest irritation) and with any other; of a new and an
  earlier call the stronger counts, and 0.85 of it remains after a month
- `reach`: the chance that a call reaches; `takes_offer`: takes any offer made in a call
- `household_id`: who feels a part of it too, where the dial says so

`customers.parquet` has each customer's `type` by what an outreach would do (persuadable, sure,
lost, sleeping_dog), `effect_of_contact` on the log-odds (of a sleeping dog: times `asleep` of the
month of the contact), and `quiet`, the place in order of how silent one is by nature.

`calls.parquet` has one row per customer and list that was acted on: whether the call `reached`
and the action `fits`, its `effect` on the log-odds, and whether an offer was taken.

`dirty.parquet` lists the rows that were made to break the contract (`fault` null, date, duplicate,
orphan, negative), and those of a feed that failed (dead: not in the tables, unit: in minutes), by
`table` and `key`, the first column of the row's key.
"""


class TruthFiles:
    """Writes the answer key a month at a time, rows by month and customer."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "README.md").write_text(_README, encoding="utf-8")
        self.files = {
            name: parquet.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd")
            for name, schema in (
                ("hazard", HAZARD),
                ("customers", CUSTOMERS),
                ("responses", RESPONSES),
                ("calls", CALLS),
            )
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

    def note(self, world: World, month: Month, outcome: Outcome) -> None:
        """Append the calls of one night."""
        rows = outcome.rows
        self._append(
            "calls",
            key_texts("C", world.number[rows]),
            _day(month, len(rows)),
            pa.array(outcome.days.astype(np.int32), pa.date32()),
            _actions(outcome.action),
            outcome.held_out,
            outcome.reached,
            outcome.fits,
            outcome.effect,
            outcome.offer_taken,
        )

    def _append(self, name: str, *columns: pa.Array | Floats) -> None:
        file = self.files[name]
        file.write_table(pa.Table.from_arrays([pa.array(c) for c in columns], schema=file.schema))


def _day(month: Month, count: int) -> pa.Array:
    return pa.array(np.full(count, month.first, dtype=np.int32), pa.date32())


def _actions(codes: Ints) -> pa.Array:
    return pa.array(ACTIONS, pa.string()).take(pa.array(codes, mask=codes < 0))
