"""The answer key: true hazards by month, and what being contacted would do to each customer.

Nobody is contacted here. Persuadables stay because of it, the sure stay and the lost leave whatever
is done, sleeping dogs leave because of it, while they sleep: on autopay, and without any dealing
with the company for long. Someone who stays out of inertia is woken by being contacted (Ascarza,
Iyengar and Schleicher 2016), and where bills pay themselves, months go by without a thought of the
company; how long is long is chosen here. Those who are silent by nature are oftener sleeping dogs
and seldom persuadable, so that a type can be told from the tables a little.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from scipy.special import gammainc

from pipelines.simulator.clock import Floats, Ints
from pipelines.simulator.coefficients import CODES
from pipelines.simulator.hazard import Hazard
from pipelines.simulator.options import TYPES
from pipelines.simulator.population import AUTOPAY_SHARE, TALK_SHAPE
from pipelines.simulator.record import key_texts
from pipelines.simulator.world import AUTOPAY, Month, World

_BY_NATURE = 0.5
_EFFECTS = {"persuadable": -0.8, "sleeping_dog": 0.7}
_SPREAD, _AT_LEAST = 0.2, 0.2
_AWAKE_DAYS, _SOUND_DAYS = 30, 180
CUSTOMERS = pa.schema(
    {"customer_id": pa.string(), "quiet": pa.float64(), "type": pa.string()}
    | {"effect_of_contact": pa.float64()}
)
SHARES = (*(f"share_{code}" for code in CODES), "share_season", "share_unseen")
SCHEMA = pa.schema(
    {"customer_id": pa.string(), "month": pa.date32()}
    | dict.fromkeys(("hazard", "log_odds", "base"), pa.float64())
    | dict.fromkeys((*SHARES, "asleep"), pa.float32())
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


@dataclass(frozen=True, slots=True)
class Dealt:
    """Type of each customer (index into ``TYPES``) and its effect of being contacted (log-odds).

    A sleeping dog's effect is that of one fast asleep.
    """

    kind: Ints
    effect: Floats


def quiet_by_nature(world: World) -> Floats:
    """Each customer's place among all, in [0, 1): those on autopay first, the quietest first."""
    place = gammainc(TALK_SHAPE, TALK_SHAPE * world.contact_rate)
    others = AUTOPAY_SHARE + place * (1 - AUTOPAY_SHARE)
    return np.asarray(np.where(world.method == AUTOPAY, place * AUTOPAY_SHARE, others))


def deal_types(rng: np.random.Generator, quiet: Floats, shares: Mapping[str, float]) -> Dealt:
    """Give every customer a type, on average by the shares, and an effect of its own.

    ``quiet`` (n,) is ``quiet_by_nature``; it decides for half of the customers.
    """
    count = len(quiet)
    place = np.where(rng.random(count) < _BY_NATURE, quiet, rng.random(count))
    edges = np.cumsum([shares[name] for name in TYPES])[:-1]
    kind = np.searchsorted(edges, place, side="right").astype(np.int64)
    mean = np.array([_EFFECTS.get(name, 0.0) for name in TYPES])[kind]
    size = np.maximum(np.abs(mean) + rng.normal(0, _SPREAD, count), _AT_LEAST)
    return Dealt(kind, np.sign(mean) * size)


def asleep(world: World, month: Month) -> Floats:
    """How soundly each customer sleeps on the first day of the month, 0 to 1.

    0 within a month of any dealing and for whoever does not pay by autopay, then growing evenly
    until half a year has gone.
    """
    quiet = (month.first - world.dealt_on - _AWAKE_DAYS) / (_SOUND_DAYS - _AWAKE_DAYS)
    return np.where(world.method == AUTOPAY, np.clip(quiet, 0, 1), 0.0)


class TruthFile:
    """Writes the answer key a month at a time, rows by month and customer."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "README.md").write_text(_README, encoding="utf-8")
        self.file, self.customers = (
            parquet.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd")
            for name, schema in (("hazard", SCHEMA), ("customers", CUSTOMERS))
        )

    def close(self) -> None:
        """Finish both files."""
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
