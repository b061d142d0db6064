"""``python -m benchmarks.night [CUSTOMERS [COPIES]]``: the cost of training and nights by size.

A simulated company, and one with so many copies of each customer of it, under other ids: tables
that large take too long to simulate. Each step runs in a process of its own; seconds are those of
the work, without imports, memory is the most that the process ever held. The model is that of the
smaller company; its tables are let through for the larger one.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

import duckdb

from benchmarks import companies
from benchmarks.features import peak_mb
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.jobs.nightly import nightly
from pipelines.jobs.read_tables import read_tables
from pipelines.jobs.train import train
from pipelines.runtime.duckdb_connection import identifier, literal
from pipelines.runtime.environment import instant
from pipelines.runtime.run_record import RunRecord

CUSTOMERS, COPIES, MONTHS = 100_000, 10, 36
NIGHT = date(2025, 1, 1)
_SHARED = ("plan_id",)


STEPS: Mapping[str, Callable[[Run], object]] = {
    "check": partial(read_tables, accept=True),
    "train": train,
    "nightly": nightly,
}


def settings_of(customers: int, copies: int) -> Settings:
    """The configuration of the company with so many copies; all sizes share registry and model."""
    base = companies.FOLDER / f"night-{customers}"

    def change(document: companies.Document) -> None:
        document["paths"] = {
            "data": str(base / f"data-{copies}"),
            "var": str(base / "var"),
            "out": str(base / f"out-{copies}"),
        }
        document["label"]["horizons"] = []

    return companies.demo_settings(base / f"x{copies}", change)


def prepare(customers: int, copies: int) -> None:
    """Simulate the company, or copy it, unless that was done before."""
    base, data = settings_of(customers, 1), settings_of(customers, copies).paths.data
    companies.simulated(base, customers=customers, months=MONTHS, seed=1)
    if copies == 1 or data.is_dir():
        return
    (data / "tables").mkdir(parents=True)
    with duckdb.connect() as con:
        for path in sorted((base.paths.data / "tables").iterdir()):
            names = con.sql(f"from {literal(path)}").columns
            ids = [n for n in names if n.endswith("_id") and n not in _SHARED]
            own = {"customer_id", "household_id"} & set(names)
            renamed = ", ".join(f"{identifier(n)} || '-' || k as {identifier(n)}" for n in ids)
            rows = f"select * replace ({renamed}) from {literal(path)}, range({copies}) t(k)"
            target = literal(data / "tables" / path.name)
            con.execute(f"copy ({rows if own else f'from {literal(path)}'}) to {target}")


def measure(step: str, customers: int, copies: int) -> None:
    """Run one step and print what it took, as JSON."""
    prepare(customers, copies)
    settings = settings_of(customers, copies)
    run = Run(settings, NIGHT, RunRecord(f"{step}-{copies}", step, instant()))
    started, cpu = time.perf_counter(), time.process_time()
    STEPS[step](run)
    used = {
        "wall": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "peak_mb": peak_mb(),
        "stages": {stage.name: stage.seconds for stage in run.record.stages},
        "notes": run.record.notes,
    }
    print(json.dumps(used))


def main(customers: int, copies: int) -> None:
    """Print the cost of each step: tables, training and night, then those of the larger company."""
    for step, times in (
        *(("check", 1), ("train", 1), ("nightly", 1)),
        *(("check", copies), ("nightly", copies)),
    ):
        command = [sys.executable, "-m", "benchmarks.night", step, str(customers), str(times)]
        subprocess.run([*command[:3], "prepare", *command[4:]], check=True)  # noqa: S603  (this module, fixed words)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603  (this module, fixed words)
        used = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{customers * times:,} customers, {step}: {used['wall']:.0f} s, "
            f"{used['cpu']:.0f} CPU-s, {used['peak_mb']:,.0f} MB; {used['stages']}",
            flush=True,
        )


if __name__ == "__main__":
    words = sys.argv[1:]
    if words and words[0] == "prepare":
        prepare(*map(int, words[1:]))
    elif words and not words[0].isdigit():
        measure(words[0], *map(int, words[1:]))
    else:
        main(*map(int, words + [str(n) for n in (CUSTOMERS, COPIES)][len(words) :]))
