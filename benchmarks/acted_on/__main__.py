"""``python -m benchmarks.acted_on [PART …] [--page]``: measure what is not kept, write the page.

With ``--page`` nothing is measured: the page shows what is kept.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import markdown
from benchmarks.acted_on import coverage, creep, levels, looks, uplift, year
from benchmarks.models.keeping import Row, kept, measure_nothing

PAGE = Path("docs/acted-on.md")
SEED, SEEDS, LEVEL_SEEDS = 101, range(101, 111), range(111, 114)
SHARES, COMPANIES = (0.02, 0.08), ("kind", "hard")
YEARS = (
    ("kind", 20_000, 1_200.0, 106),
    ("kind", 20_000, 6_000.0, 106),
    ("kind", 80_000, 1_200.0, 110),
    ("hard", 20_000, 6_000.0, 107),
    ("hard", 80_000, 1_200.0, 109),
    ("hard", 80_000, 6_000.0, 109),
    ("hard", 80_000, 24_000.0, 109),
)
"""Company, its customers, minutes a night, seed."""
TRIALS = {
    "A/A, 500 a month": looks.Trial(500, 24),
    "true 30 %, everybody reached": looks.Trial(700, 24, kept=0.3),
    "true 30 %, 60 % reached": looks.Trial(2_000, 24, kept=0.3, reach=0.6),
}
"""Trials of the effect, by what they are."""


def main(arguments: list[str]) -> None:
    """Measure the named parts, all by default, and write the page."""
    only_kept = "--page" in arguments
    names = [name for name in arguments if name in _PARTS] or list(_PARTS)
    results: dict[str, list[Row]] = {}
    for name, part in _PARTS.items():
        measure_nothing(only_kept or name not in names)
        results[name] = [row for row in part() if row]
    text = markdown.page("acted_on.md", **results, base=looks.BASE)
    PAGE.write_text(text, encoding="utf-8")
    print(f"Written: {PAGE}")


def _levels() -> list[Row]:
    found = []
    for company in COMPANIES:
        for share in SHARES:
            name = f"levels of {levels.CUSTOMERS} {company} {share:g}"
            makes = {seed: partial(levels.levels, company, share, seed) for seed in LEVEL_SEEDS}
            rows = [_named(f"{name} {seed}", make) for seed, make in makes.items()]
            made = pd.DataFrame([row for row in rows if row])
            if len(made):
                found.append(
                    {
                        "company": company,
                        "mean": made.mean().to_dict(),
                        "error": made.sem().to_dict(),
                    }
                )
    return found


def _looks() -> list[Row]:
    found = []
    for name, trial in TRIALS.items():
        row = _named(f"looks {name}", partial(looks.summary, trial, SEED))
        found.append(row and row | {"name": name})
    return found


def _creep() -> list[Row]:
    years = [_named(f"creep {seed}", partial(creep.year, 200, seed)) for seed in SEEDS]
    found = [each for each in years if each]
    if not found:
        return []
    lost, promoted = (np.array([each[key] for each in found]) for key in ("lost", "promoted"))
    worst = {"years": len(found), "worst": lost.max()}
    return [worst | {"lost": lost.mean(), "promoted": promoted.mean()}]


def _uplift() -> list[Row]:
    trials = {seed: partial(uplift.after_a_trial, 10_000, seed) for seed in SEEDS[:4]}
    rows = [_named(f"uplift {seed}", make) for seed, make in trials.items()]
    found = [each for each in rows if each]
    return [{key: float(np.mean([row[key] for row in found])) for key in found[0]}] if found else []


def _coverage() -> list[Row]:
    row = _named("coverage", partial(coverage.coverage, 10_000, 3, 0.15, SEED))
    return [
        {"figure": name, "without": row[f"{name} without"], "with": value}
        for name, value in row.items()
        if not name.endswith(" without")
    ]


def _years() -> list[Row]:
    rows = []
    for company, customers, minutes, seed in YEARS:
        make = partial(year.year, company, minutes, seed, customers, print)
        row = _named(f"year of {customers} {company} {minutes:g} {seed}", make)
        about = {"company": company, "customers": customers, "minutes": minutes, "seed": seed}
        rows.append(row and about | {"lists": row})
    return rows


def _named(name: str, make: Callable[[], Row]) -> Row:
    return kept(f"acted-on {name}", name, make)


_PARTS: Mapping[str, Callable[[], list[Row]]] = {
    "levels": _levels,
    "looks": _looks,
    "creep": _creep,
    "uplift": _uplift,
    "coverage": _coverage,
    "years": _years,
}


if __name__ == "__main__":
    main(sys.argv[1:])
