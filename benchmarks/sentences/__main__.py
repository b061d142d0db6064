"""``python -m benchmarks.sentences``: publish lists, check every sentence, write the page.

Two simulated companies are made below ``var/bench``; the public sets are read from
``STILLE_EXAMPLE_DATA``, and left out where they are not. It ends with 1 if a sentence is false.
"""

import os
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd

from benchmarks.companies import FOLDER, Document, demo_settings
from benchmarks.markdown import page
from benchmarks.sentences.check import Checked, check, lists, mutants
from benchmarks.sentences.flat import attribute_judge, powerco_rows
from benchmarks.sentences.person import Clock, load
from pipelines.config.run import open_run
from pipelines.config.settings import load_settings
from pipelines.jobs.entry import NIGHTLY, TRAIN
from pipelines.jobs.promote import promote
from pipelines.jobs.read_tables import read_tables
from pipelines.simulator.options import COMPANIES
from pipelines.simulator.simulate import simulate

Found = tuple[Checked, tuple[int, int]]
PAGE = Path("docs/sentences.md")
_CUSTOMERS, _MONTHS = 4_000, 36
_SEEDS = {"kind": 5, "hard": 6}
_SIMULATED = date(2025, 1, 1)
_PUBLIC = {"telco": date(2018, 1, 1), "powerco": date(2016, 2, 1)}


def main() -> None:
    """Check every company and write the page."""
    found = {**dict(_simulated()), **dict(_public())}
    PAGE.write_text(page("sentences.md", found=found), encoding="utf-8")
    for name, (checked, _) in found.items():
        print(f"{name}: {len(checked.false)} false of {checked.sentences} sentences")
        for text in (*checked.false, *checked.unreadable, *checked.mistranslated)[:20]:
            print(f"  {text}")
    print(f"Written: {PAGE}")
    if any(c.false or c.unreadable or c.mistranslated for c, _ in found.values()):
        sys.exit(1)


def _simulated() -> Iterator[tuple[str, Found]]:
    for company, seed in _SEEDS.items():
        folder = FOLDER / f"sentences-{company}"
        settings = demo_settings(folder, _quick)
        if not (settings.paths.data / "truth").is_dir():
            simulate(
                settings.paths.data,
                customers=_CUSTOMERS,
                months=_MONTHS,
                seed=seed,
                dials=COMPANIES[company],
            )
        night = _published(folder / "config.yaml", _SIMULATED)
        clock = Clock(_SIMULATED, settings.company.timezone)
        rows = load(sorted((settings.paths.data / "tables").glob("*.parquet")), clock)
        yield company, (check(night, rows, clock), mutants(night, rows, clock))


def _public() -> Iterator[tuple[str, Found]]:
    data = Path(os.environ.get("STILLE_EXAMPLE_DATA", "data/examples"))
    for name, as_of in _PUBLIC.items():
        config = Path(f"configs/examples/{name}.yaml")
        if not (data / (load_settings(config).sources["customers"].path or "")).is_file():
            print(f"{name}: left out, as {data} has no such set")
            continue
        os.environ["STILLE__PATHS__VAR"] = str(FOLDER / f"sentences-{name}" / "var")
        os.environ["STILLE__PATHS__OUT"] = str(FOLDER / f"sentences-{name}" / "out")
        night = _published(config, as_of)
        clock = Clock(as_of, load_settings(config).company.timezone)
        rows = powerco_rows(data, clock) if name == "powerco" else {}
        judge = attribute_judge(config, data)
        yield name, (check(night, rows, clock, judge), mutants(night, rows, clock, judge))


def _quick(document: Document) -> None:
    document["training"] |= {"seeds": 1, "bootstrap": 50}
    document["list"]["explained_rows"] = _CUSTOMERS


def _published(config: Path, as_of: date) -> dict[str, pd.DataFrame]:
    """The lists of a night, of the model there is; one that a rule refuses lists all the same."""
    settings = load_settings(config)
    with open_run("check", config, as_of) as run:
        read_tables(run, accept=True)
    if not (settings.paths.var / "mlflow.db").is_file():
        TRAIN.start(config, as_of)
        promote(config, reason="sentences are checked, whatever the ranks")
    return lists(NIGHTLY.start(config, as_of, backfill=True).publication.folder)


if __name__ == "__main__":
    main()
