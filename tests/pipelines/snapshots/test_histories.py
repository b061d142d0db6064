"""Whether the payments of a snapshot go back as far as its invoices."""

from datetime import date, timedelta

import pytest

from pipelines.snapshots.daily_volume import short_histories
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.profiling import TableProfile


def _facts(first: date, days: int, *strays: date) -> TableFacts:
    counts = {str(first + timedelta(day)): 10 for day in range(days)}
    counts |= {str(day): 1 for day in strays}
    none: tuple[str, ...] = ()
    profile = TableProfile({}, days=counts)
    return TableFacts(0, 0, {}, none, none, none, none, None, None, profile)


@pytest.mark.parametrize(
    ("first", "strays", "short"),
    [
        (date(2020, 1, 12), (), {}),
        (date(2020, 3, 1), (), {}),
        (date(2020, 3, 2), (), {"payments": date(2020, 3, 2)}),
        (date(2022, 1, 1), (date(2016, 5, 1),), {"payments": date(2022, 1, 1)}),
        (date(2019, 1, 1), (), {}),
    ],
)
def test_payments_that_begin_long_after_the_invoices_are_cut_short(
    first: date, strays: tuple[date, ...], short: dict[str, date]
) -> None:
    tables = {"invoices": _facts(date(2020, 1, 1), 20), "payments": _facts(first, 20, *strays)}
    assert short_histories(tables) == short


def test_a_table_without_rows_or_without_the_other_says_nothing() -> None:
    some, none = _facts(date(2020, 1, 1), 20), _facts(date(2020, 1, 1), 0)
    assert short_histories({"invoices": some, "payments": none}) == {}
    assert short_histories({"payments": some}) == {}
