"""A simulated company whose lists are acted on: simulate, run a night, call, and simulate on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

import pandas as pd

from benchmarks import companies
from benchmarks.acted_on.calls import read_calls
from features.errors import GateError, StilleError
from features.timeline import month_starts
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.jobs.effect import measure
from pipelines.jobs.nightly import nightly
from pipelines.jobs.promote import promote
from pipelines.jobs.read_tables import read_tables
from pipelines.jobs.recalibrate import recalibrate
from pipelines.jobs.train import train
from pipelines.runtime.environment import instant
from pipelines.runtime.run_record import RunRecord
from pipelines.simulator.options import COMPANIES, Dials
from pipelines.simulator.simulate import simulate

R = TypeVar("R")
FOLDER = companies.FOLDER / "acted_on"
HISTORY_MONTHS, NIGHTS, TAIL_MONTHS = 24, 12, 5
RETRAINED_AFTER = 6
NIGHT_DAYS = month_starts(date(2024, 1, 1), date(2024, 12, 1))
TODAY = date(2025, 5, 1)


@dataclass
class World:
    """A company of a ``seed``, and its ``calls``: a row a customer assigned, night by night.

    ``saved_share`` is what its economics assume, by default what the demo's do.
    """

    company: str
    seed: int
    customers: int
    minutes: float
    saved_share: float | None = None
    calls: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def dials(self) -> Dials:
        """What the simulated company is given."""
        return COMPANIES[self.company]

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        assumed = "" if self.saved_share is None else "-measured-elsewhere"
        return FOLDER / f"{self.company}-{self.seed}-{self.minutes:g}{assumed}"

    def settings(self) -> Settings:
        """The demo's configuration with this capacity, one seed a model, every row explained."""

        def change(document: companies.Document) -> None:
            document["label"]["horizons"] = [90]
            document["training"] |= {"seeds": 1, "bootstrap": 100}
            document["list"] |= {"explained_rows": 100_000, "languages": ["en"]}
            document["list"]["capacity_minutes"] = self.minutes
            document["engine"]["threads"] = 1
            if self.saved_share is not None:
                document["economics"]["saved_share"] = self.saved_share
            # Letters move nobody here, and would count as treatment.
            document["contact"] |= {"order": ["phone"], "channels": {}}
            document["contact"]["legal_basis"] = {"phone": "customer_relation"}

        return companies.demo_settings(self.folder, change)

    def simulate(self, months: int) -> None:
        """Write the tables of so many months, with the calls so far."""
        simulate(
            self.settings().paths.data,
            customers=self.customers,
            months=months,
            seed=self.seed,
            dials=self.dials,
            nights=read_calls(self.calls, months),
        )

    def year(self, say: Callable[[str], None]) -> pd.DataFrame:
        """Twelve nights, each acted on; the risk lists of all, and the tables with the outcomes."""
        settings, nights = self.settings(), []
        for number, day in enumerate(NIGHT_DAYS):
            self.simulate(HISTORY_MONTHS + number)
            if number % RETRAINED_AFTER == 0:
                _accepted(train, settings, day, say)
            _attempt(measure, settings, day, say)
            if number > RETRAINED_AFTER // 2:
                _attempt(recalibrate, settings, day, say)
            rows = self._night(day, say)
            nights.append(rows)
            self.calls = pd.concat([self.calls, assigned(rows, day)], ignore_index=True)
            say(f"{self.folder.name} {day}: {int(rows['lane'].eq('call').sum())} called")
        self.simulate(HISTORY_MONTHS + NIGHTS + TAIL_MONTHS)
        return pd.concat(nights, ignore_index=True)

    def first_night(self, day: date, say: Callable[[str], None]) -> pd.DataFrame:
        """The risk list of ``day`` by a model that learned before it, on the tables as they are.

        The model is used whatever the rules of promotion say of it.
        """
        _accepted(train, self.settings(), day, say)
        promote(self.folder / "config.yaml", reason="what its lists suggest is asked, not whom")
        return self._night(day, say)

    def _night(self, day: date, say: Callable[[str], None]) -> pd.DataFrame:
        night = _accepted(nightly, self.settings(), day, say)
        rows = pd.read_parquet(night.publication.folder / "risk_list.parquet")
        return rows.assign(as_of=pd.Timestamp(day))


def assigned(rows: pd.DataFrame, day: date) -> pd.DataFrame:
    """Whom a published list phones or holds out: customer_id, published_on, action and arm.

    The simulated company has no letters that move anybody.
    """
    called = rows["lane"].eq("call") & rows["use_channel"].eq("phone")
    held_out = rows["lane_rule"].eq("holdout")
    chosen = rows[called | held_out]
    return pd.DataFrame(
        {
            "customer_id": chosen["customer_id"],
            "published_on": pd.Timestamp(day),
            "action": chosen["suggested_action"],
            "arm": called[chosen.index].map({True: "treat", False: "holdout"}),
        }
    )


def _accepted(
    job: Callable[[Run], R], settings: Settings, day: date, say: Callable[[str], None]
) -> R:
    """The job; where a gate on the tables closes, a person looks and accepts them."""
    name = job.__name__
    try:
        return job(_run(settings, day, name))
    except GateError as error:
        say(f"{name} of {day}, accepted: {error}".partition("The last snapshot")[0])
        read_tables(_run(settings, day, "check"), accept=True)
        return job(_run(settings, day, name))


def _attempt(
    job: Callable[[Run], R], settings: Settings, day: date, say: Callable[[str], None]
) -> None:
    try:
        _accepted(job, settings, day, say)
    except StilleError as error:
        say(f"{job.__name__} on {day}: {error}")


def _run(settings: Settings, day: date, command: str) -> Run:
    return Run(settings, day, RunRecord(f"{command}-{day}", command, instant()))
