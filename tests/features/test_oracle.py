"""Every cell of the matrix agrees with a slow oracle written from the documentation."""

import math
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from companies import FULL, ZONE, matrices
from oracle import expected
from random_companies import DELAYS, STEPS, grid_day, random_company

from features.catalog import build_catalog
from features.contract import TABLES

_AS_OF = tuple(grid_day(step) for step in (STEPS // 2, STEPS * 3 // 4, STEPS))


def test_the_oracle_covers_every_declared_feature_and_fact() -> None:
    names = set(expected(random_company(0), "c0", _AS_OF[0], ZONE))
    assert names == {feature.name for feature in FULL.features}


@pytest.mark.parametrize(
    ("seed", "late"), [(seed, (0.01, 0.1, 0.4)[seed % 3]) for seed in range(6)]
)
def test_every_cell_agrees_with_the_oracle(seed: int, late: float) -> None:
    delays = DELAYS if seed % 2 else {}
    rows = random_company(seed, 25, late=late, delays=delays, versions=0.3 * (seed > 2))
    tables = matrices(rows, _AS_OF, everyone=True, delays=delays)
    wrong = [
        (as_of, cells["customer_id"], name, cells[name], value)
        for as_of, table in zip(_AS_OF, tables, strict=True)
        for cells in table.to_pylist()
        for name, value in expected(rows, cells["customer_id"], as_of, ZONE, delays).items()
        if not _same(cells[name], value)
    ]
    assert not wrong, f"{len(wrong)} cells differ from the oracle, first {wrong[:5]}"


def test_versions_of_every_table_that_may_have_them_agree_with_the_oracle() -> None:
    """Streams that look over several rows see each as it was known at the as-of date."""
    versioned = [name for name, table in TABLES.items() if table.may_have_versions]
    catalog = build_catalog(TABLES, versioned=versioned)
    rows = random_company(11, 12, late=0.1, versions=0.5, versioned=versioned)
    given: dict[str, Any] = {"delays": DELAYS, "versioned": versioned}
    tables = matrices(rows, _AS_OF, catalog=catalog, everyone=True, **given)
    wrong = [
        (as_of, cells["customer_id"], name, cells[name], value)
        for as_of, table in zip(_AS_OF, tables, strict=True)
        for cells in table.to_pylist()
        for name, value in expected(rows, cells["customer_id"], as_of, ZONE, **given).items()
        if not _same(cells[name], value)
    ]
    assert not wrong, f"{len(wrong)} cells differ from the oracle, first {wrong[:5]}"


def test_the_random_companies_move_every_feature() -> None:
    """An oracle that never sees a feature away from its fill proves nothing about it."""
    seen: dict[str, set[Any]] = {feature.name: {feature.fill} for feature in FULL.features}
    for seed in range(8):
        rows = random_company(seed, 40)
        for number in range(40):
            for name, value in expected(rows, f"c{number}", _AS_OF[2], ZONE).items():
                seen[name].add(value)
    assert not {name for name, values in seen.items() if len(values) < 2}


def _same(cell: Any, value: Any) -> bool:
    if cell is None or value is None or isinstance(cell, str | date | Decimal):
        return bool(cell == value)
    return math.isclose(cell, value, rel_tol=1e-6, abs_tol=2e-5)  # of up to 40 rounded points
