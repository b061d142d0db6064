"""Columns declared static, held against the tables that were read before."""

import pytest

from pipelines.snapshots.snapshot import take_snapshot
from pipelines.training.leaks import changed_columns

ENDS = "contract_id,customer_id,notified_on,effective_on,outcome\n" + "".join(
    f"k{n},{n},2024-01-01,2024-02-01,voluntary\n" for n in range(20)
)
MAPPED = {"plan": ("category", "plan"), "use": ("number", "use"), "born": ("number", "born")}


@pytest.fixture
def read(company):
    """Read a table of 400 customers, of whom the first 20 left; ``row`` gives a line's rest."""

    def run(row, **changes):
        lines = "".join(f"{n},2020-01-01,{row(n)}\n" for n in range(400))
        attributes = {
            name: {"column": column, "type": kind} for name, (kind, column) in MAPPED.items()
        }
        settings = company(
            {"customers.csv": f"customer_id,joined_on,plan,use,born\n{lines}", "t.csv": ENDS},
            {
                "customers": {"path": "customers.csv", "attributes": attributes, **changes},
                "terminations": {"path": "t.csv"},
            },
            quality={"max_unknown_share": 1.0, "max_null_rise": 1.0},
        )
        return settings, take_snapshot(settings, settings.paths.snapshots)

    return run


def first(n):
    return f"basic,{n},{1950 + n % 50}"


def later(n):
    """Leavers' plans closed, one customer in two used more, two years of birth corrected."""
    return f"{'closed' if n < 20 else 'basic'},{n + n % 2},{1950 + n % 50 + (n in (7, 70))}"


def test_there_is_nothing_to_hold_a_first_table_against(read):
    assert changed_columns(*read(first)) == []


def test_what_changed_between_two_tables_is_found_and_corrections_are_noted(read):
    read(first)
    found = {f.column: f for f in changed_columns(*read(later))}
    assert {name: f.refuses for name, f in found.items()} == {
        "attr_plan changes": True,
        "attr_use changes": True,
        "attr_born changes": False,
    }
    counts = {name: (f.evidence["changed"], f.evidence["leavers"]) for name, f in found.items()}
    assert counts == {
        "attr_plan changes": (20, 20),
        "attr_use changes": (200, 10),
        "attr_born changes": (2, 1),
    }
    # The same tables once more are held against the first ones again.
    assert len(changed_columns(*read(later))) == 3


def test_another_mapping_is_no_change(read):
    read(first)
    assert changed_columns(*read(later, dialect={"decimal": ","})) == []
