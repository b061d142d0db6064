"""The answer key beside the data: each customer's true hazard, month by month."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from pipelines.demo.hazard import CODES, Hazard
from pipelines.demo.record import key_texts
from pipelines.demo.world import Month, World

SHARES = (*(f"share_{code}" for code in CODES), "share_season", "share_noise")
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("month", pa.date32()),
        ("hazard", pa.float64()),
        ("log_odds", pa.float64()),
        ("base", pa.float64()),
        *((name, pa.float32()) for name in SHARES),
    ]
)
_README = """# The answer key of a simulated company

Made by `pipelines.demo`; no part of the pipeline reads it. `hazard.parquet` has one row per
customer and month, for customers without a notice on the month's first day:

- `hazard`: probability of a voluntary notice in the month, from what happened before its first
  day (local midnight, Europe/Oslo)
- `log_odds` = `base` + the sum of the `share_…` columns
- `share_<driver>`: what each driver adds; `share_season` the time of year; `share_noise` what no
  table shows: a lasting trait of the customer and a little monthly chance

`docs/simulation.md` gives the coefficients, and what a simulation cannot show.
"""


class TruthFile:
    """Writes hazard.parquet a month at a time, rows by month and customer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "README.md").write_text(_README, encoding="utf-8")
        self.file = parquet.ParquetWriter(
            self.folder / "hazard.parquet", SCHEMA, compression="zstd"
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.file.close()

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
        ]
        self.file.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))
