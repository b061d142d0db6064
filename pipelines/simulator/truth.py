"""The answer key beside the data: each customer's true hazard, month by month."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from pipelines.simulator.clock import Floats
from pipelines.simulator.coefficients import CODES
from pipelines.simulator.customer_types import Dealt
from pipelines.simulator.hazard import Hazard
from pipelines.simulator.options import TYPES
from pipelines.simulator.record import key_texts
from pipelines.simulator.silence import asleep
from pipelines.simulator.world import Month, World

CUSTOMERS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("quiet", pa.float64()),
        ("type", pa.string()),
        ("effect_of_contact", pa.float64()),
    ]
)
SHARES = (*(f"share_{code}" for code in CODES), "share_season", "share_unseen")
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("month", pa.date32()),
        ("hazard", pa.float64()),
        ("log_odds", pa.float64()),
        ("base", pa.float64()),
        *((name, pa.float32()) for name in SHARES),
        ("asleep", pa.float32()),
    ]
)
_README = """# The answer key of a simulated company

Made by `pipelines.simulator`; no part of the pipeline reads it. `hazard.parquet` has one row per
customer and month, for customers without a notice on the month's first day:

- `hazard`: probability of a voluntary notice in the month, from what happened before its first
  day (local midnight, Europe/Oslo)
- `log_odds` = `base` + the sum of the `share_…` columns
- `share_<driver>`: what each driver adds; `share_season` the time of year; `share_unseen` what no
  table shows: a lasting trait of the customer and a little monthly chance
- `asleep`: how soundly the customer sleeps, 0 to 1; no part of the hazard

`customers.parquet` has one row per customer: the `type` by what an outreach would do (persuadable,
sure, lost, sleeping_dog), `effect_of_contact`, what being contacted would add to the log-odds (of a
sleeping dog: times `asleep` of the month of the contact), and `quiet`, the place in order of how
silent one is by nature, by which types were dealt. Nobody is contacted in the simulation: none of
this changes anything in the tables.

`dirty.parquet` lists the rows that were made to break the contract, if any: `table`, `fault`
(null, date, duplicate, orphan, negative) and `key`, the first column of the row's key.

`docs/simulation.md` gives the coefficients, and what a simulation cannot show.
"""


class TruthFile:
    """Writes the answer key a month at a time, rows by month and customer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "README.md").write_text(_README, encoding="utf-8")
        self.file = parquet.ParquetWriter(
            self.folder / "hazard.parquet", SCHEMA, compression="zstd"
        )
        self.customers = parquet.ParquetWriter(
            self.folder / "customers.parquet", CUSTOMERS, compression="zstd"
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.file.close()
        self.customers.close()

    def deal(self, world: World, quiet: Floats, dealt: Dealt) -> None:
        """Append new customers' types, and how quiet they are by nature."""
        kinds = pa.array(TYPES, pa.string()).take(pa.array(dealt.kind))
        columns = [key_texts("C", world.number), pa.array(quiet), kinds, dealt.effect]
        self.customers.write_table(pa.table(columns, schema=CUSTOMERS))

    def write(self, world: World, month: Month, hazard: Hazard, base: float) -> None:
        """Append one month."""
        count = len(world)
        columns = [
            key_texts("C", world.number),
            pa.array(np.full(count, month.first, dtype=np.int32), pa.date32()),
            pa.array(hazard.probability),
            pa.array(hazard.log_odds),
            pa.array(np.full(count, base)),
            *(pa.array(hazard.shares[name].astype(np.float32)) for name in SHARES),
            pa.array(asleep(world, month).astype(np.float32)),
        ]
        self.file.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))
