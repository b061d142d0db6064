"""A migration that touches every row makes old ones unknown; found by rows counted by hand."""

from datetime import date, timedelta

import pytest

from pipelines.snapshots.gate_measures import PreviousTables, measures
from pipelines.snapshots.profiling import peaks
from pipelines.snapshots.snapshot import take_snapshot

FIRST, MIGRATION = date(2022, 1, 1), date(2024, 11, 1)


def calls(known, days=range(0, 1400, 10)):
    """A call each ten days from 2022 on, known on ``known(day)``."""
    on = [FIRST + timedelta(days=n) for n in days]
    rows = (f"{day},1,{day} 10:00:00,{known(day)} 12:00:00\n" for day in on)
    return "contact_id,customer_id,started_at,known_at\n" + "".join(rows)


@pytest.fixture
def closed(company, tmp_path):
    def run(text, before=None, first=FIRST, as_of=date(2026, 1, 1), **source):
        settings = company(
            {"k.csv": text},
            {"contacts": {"path": "k.csv", **source}},
            training={"first_as_of": first},
        )
        tables = take_snapshot(settings, tmp_path / "snapshot").tables
        found = measures(settings, as_of, tables, PreviousTables(before or {}))
        bulk = [m for m in found if "known about one day" in m.name]
        return tables, [m for m in bulk if m.value > m.high]

    return run


def migrated(day):
    return max(day, MIGRATION)


def test_rows_all_known_on_the_day_of_a_migration_close_a_gate(closed):
    tables, [gate] = closed(calls(migrated))
    # 104 of 140 calls come before 1 November 2024; those of the last 60 days are late by less.
    assert gate.value == pytest.approx(98 / 140, abs=1e-6)
    assert "known_at is 2024-11-01" in gate.detail
    assert "known_delay_days" in gate.detail
    assert closed(calls(migrated), before=tables)[1] == []


@pytest.mark.parametrize(
    "known",
    [
        lambda day: day,
        lambda day: day + timedelta(days=day.day % 7 * 20),
        lambda day: (day.replace(day=1) + timedelta(days=32)).replace(day=1),
        lambda day: date(day.year, (day.month - 1) // 3 * 3 + 1, 1) + timedelta(days=95),
    ],
    ids=["at once", "late by chance", "loaded each month", "loaded each quarter"],
)
def test_rows_that_come_late_as_usual_close_none(closed, known):
    assert closed(calls(known))[1] == []


def test_a_migration_of_several_days_is_one(closed):
    moved = closed(calls(lambda day: max(day, MIGRATION + timedelta(days=3 * (day.day % 8)))))[1]
    assert len(moved) == 1


def test_what_was_known_before_the_first_date_that_is_learned_from_does_no_harm(closed):
    assert closed(calls(migrated), first=date(2024, 11, 1))[1] == []
    assert len(closed(calls(migrated), first=date(2024, 10, 31))[1]) == 1
    assert len(closed(calls(migrated), first=date(2024, 11, 1), as_of=date(2024, 7, 1))[1]) == 1


def test_a_delay_that_is_declared_is_believed(closed):
    text = calls(migrated).replace("known_at", "changed")
    assert closed(text, known_delay_days=90)[1] == []


def test_few_rows_stand_out_from_none():
    assert peaks({MIGRATION: 49}, 1000) == {}
    assert peaks({MIGRATION: 50}, 1000) == {"2024-11-01": 0.05}
