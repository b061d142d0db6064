"""Nights of days that follow each other, by a clock of their own, with faults among them.

``python month.py MADE ROOT DAYS FAULTS SEED`` prints JSON, a line of each day. Every day has the
tables as they were then, and its night runs in a process of its own; at eight o'clock somebody asks
whether it came. A server on loopback hears of what went wrong, and that it goes well again.
"""

import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import apprise  # noqa: F401  (so that no process imports it again)
import duckdb
import receivers
from commands import Company
from history import truncate
from struck_processes import ended, started, struck

from pipelines.config import run as opening
from pipelines.config.settings import load_settings
from pipelines.doctor import freshness
from pipelines.jobs import nightly, read_tables
from pipelines.jobs.entry import JOBS
from pipelines.publication.reader import created_at, current, verify
from pipelines.runtime import environment, run_record
from pipelines.tracking import champion

FIRST = date(2023, 6, 2)
DEAD = "http://127.0.0.1:9"
DEAD_RUN = "nightly-20230101T000000Z-0dead0"


class Nights:
    """A company whose days go by, and what is amiss tonight.

    ``strike`` as for ``struck``; ``extra`` nights run at the same time; ``objector`` said no;
    ``late`` is what who listens believes.
    """

    def __init__(self, made: Path, root: Path, dice: random.Random, web: receivers.Web) -> None:
        self.company, self.whole, self.dice = Company(made, root), made / "data", dice
        self.web, self.late = web, False
        for path in (self.company.folder, self.company.spare):
            with (path / "config.yaml").open("a") as file:
                file.write("notifications: {addresses: ['${HOOK}']}\n")
        os.environ["HOOK"] = f"json://{web.place}/"
        self.company.count("rollback")
        self.company.restore()
        self.folder, self.config = self.company.folder, self.company.folder / "config.yaml"
        self.out, self.var = self.folder / "out", self.folder / "var"
        self.first = created_at(current(self.out).folder)
        self.strike: tuple[int, str] | None = None
        self.extra, self.clock, self.objector = 0, timedelta(), ""

    def night(self, day: date, config: Path) -> list[int]:
        """Exit codes of the day's nights, at a quarter past four by the clock."""
        moment = self.moment(day, 4)

        def work() -> None:
            environment.now = champion.now = nightly.now = lambda: moment
            opening.today_in = read_tables.today_in = lambda _: day + self.clock
            run_record._now = lambda: moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            if self.strike:
                struck(*self.strike)
            JOBS["nightly"].start(config, day)

        nights = [started(work, self.company.log) for _ in range(1 + self.extra)]
        return sorted(ended(each) for each in nights)

    def moment(self, day: date, hour: int) -> datetime:
        """By a clock that goes on from when the company's first lists were made."""
        return self.first + (day - FIRST) + timedelta(hours=20 + hour) + self.clock

    def look(self, day: date) -> None:
        """As ``stille status --within 26`` does, at a quarter past eight."""

        def work() -> None:
            freshness.now = lambda: self.moment(day, 8)
            settings = load_settings(self.config)
            freshness.overdue(settings, self.config, freshness.freshness(settings), 26)

        assert ended(started(work, self.company.log)) == 0

    def unheard(self, codes: list[int], heard: str) -> list[str]:
        """What somebody should have heard and did not, or heard without need."""
        came, before = 0 in codes, self.late
        self.late = not came
        failed = {*codes} - {0, 75, -9}
        wrong = [f"nobody heard of {code}" for code in failed if f"exit code {code}" not in heard]
        if not (came or before or "no night for 26 hours" in heard):
            wrong.append("nobody heard that there is no list")
        if came and before != ("nights come again" in heard):
            wrong.append("that nights come again")
        if came and not (before or failed) and heard:
            wrong.append("a message for nothing")
        return wrong

    def heard(self) -> str:
        """What was received since it was asked last, as one text."""
        titles = [each["title"] for each in self.web.messages()]
        self.web.requests.clear()
        return "; ".join(titles)

    def table(self, name: str) -> Path:
        return self.folder / "data" / "tables" / f"{name}.parquet"


def missing(nights: Nights) -> None:
    nights.table("contracts").unlink()


def truncated(nights: Nights) -> None:
    path = nights.table("invoices")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def disk_full(nights: Nights) -> None:
    nights.strike = nights.dice.randrange(2, 250), "full"


def killed(nights: Nights) -> None:
    nights.strike = nights.dice.randrange(1, 250), "kill"


def registry_dead(nights: Nights) -> None:
    """The champion that is kept was named by a registry that is away tonight."""
    kept = nights.var / "champion" / "champion.json"
    described = json.loads(kept.read_text()) | {"registry": DEAD}
    kept.write_text(json.dumps(described))
    nights.config = nights.folder / "away.yaml"
    text = (nights.folder / "config.yaml").read_text("utf-8")
    nights.config.write_text(text.replace("tracking:\n", f"tracking:\n  uri: {DEAD}\n"), "utf-8")


def opted_out(nights: Nights) -> None:
    """Whom the last list called has objected to everything since."""
    table, called = nights.table("contact_bars"), nights.out / "current" / "risk_list.parquet"
    with duckdb.connect() as con:
        bars = con.execute(f"from '{table}'").to_arrow_table()
        whom = f"select customer_id from '{called}' where lane = 'call' limit 1"
        ((nights.objector,),) = con.execute(whom).fetchall()
        row = f"'J-new', '{nights.objector}', max(barred_at), 'opted_out', null, null from bars"
        con.execute(f"copy (from bars union all select {row}) to '{table}'")
        assert bars.num_rows


def orphan_staging(nights: Nights) -> None:
    left = nights.out / f".staging-{DEAD_RUN}"
    left.mkdir()
    (left / "risk_list.csv").write_text("half")


def clock_back(nights: Nights) -> None:
    """The clock is set back by two days, so that what was kept is from the future."""
    nights.clock = timedelta(days=-2)


def two_at_once(nights: Nights) -> None:
    nights.extra = 1


def corrupt_pointer(nights: Nights) -> None:
    path = nights.out / "current.json"
    path.write_bytes(path.read_bytes()[:-9])


# How each night may end: 0 with a new list, anything else with the last good one.
FAULTS: Mapping[Callable[[Nights], None], set[int]] = {
    missing: {3},
    truncated: {3},
    disk_full: {0, 5},
    killed: {-9, 0},
    registry_dead: {0},
    opted_out: {0},
    orphan_staging: {0},
    clock_back: {0},
    two_at_once: {0, 75},
    corrupt_pointer: {0},
}


def live(nights: Nights, day: date, fault: Callable[[Nights], None] | None) -> dict[str, Any]:
    """What happened on a day; ``wrong`` says what should not have."""
    before, known = current(nights.out), {*(nights.var / "runs").glob("*.json")}
    shutil.rmtree(nights.folder / "data" / "tables")
    truncate(nights.whole / "tables", nights.folder / "data" / "tables", day)
    nights.strike, nights.extra, nights.clock, nights.objector = None, 0, timedelta(), ""
    nights.config = nights.folder / "config.yaml"
    if fault:
        fault(nights)
    codes = nights.night(day, nights.config)
    nights.look(day)
    heard = nights.heard()
    records = [
        json.loads(path.read_bytes())
        for path in (nights.var / "runs").glob("*.json")
        if path not in known
    ]
    now = current(nights.out)
    stamp = verify(nights.out / "current")["stille"]
    said = {"day": str(day), "fault": getattr(fault, "__name__", ""), "codes": codes}
    said["heard"] = heard
    wrong = [] if {*codes} <= (FAULTS[fault] if fault else {0}) else ["the exit code"]
    expected = [now] if 0 in codes and now and now.as_of == day else [before]
    if now not in expected or (0 in codes and stamp["as_of_date"] != str(day)):
        wrong.append("the publication")
    # A full disk takes no record either, and who is killed writes none: it says "running" at most.
    silent = {-9, 5} & {*codes} and {record["exit_code"] for record in records} <= {None, *codes}
    if not silent and {record["exit_code"] for record in records} != {*codes}:
        wrong.append("the record")
    if not all(record["as_of_date"] in (str(day), None) for record in records):
        wrong.append("the record's day")
    notes = " ".join(note for record in records for note in record["notes"])
    if fault is orphan_staging and f"{DEAD_RUN} left behind" not in notes:
        wrong.append("the orphan is not told of")
    if stamp["degraded"] != (fault is registry_dead and 0 in codes) and 0 in codes:
        wrong.append("whether it is degraded")
    if nights.objector:
        lane = f"select lane from '{nights.out}/current/risk_list.parquet' where customer_id = ?"
        if duckdb.execute(lane, [nights.objector]).fetchone() != ("suppressed",):
            wrong.append("who objected is called")
    wrong += nights.unheard(codes, heard)
    if json.loads((nights.out / "current.json").read_bytes())["path"] != str(
        (nights.out / "current").readlink()
    ):
        wrong.append("the two pointers")
    return {**said, "wrong": wrong}


def main(made: Path, root: Path, days: int, faults: int, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  (seeded, no secret)
    chosen, on = dice.sample([*FAULTS], faults), dice.sample(range(1, days), faults)
    drawn = dict(zip(on, chosen, strict=True))
    with receivers.web() as web:
        nights = Nights(made, root, dice, web)
        lived = [live(nights, FIRST + timedelta(days=n), drawn.get(n)) for n in range(days)]
    print(json.dumps(lived))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
