"""An older matrix that would come out otherwise today is found sooner or later."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from pipelines.matrices.build import dates_to_check, history_stands
from pipelines.matrices.files import write_features

KEPT = [date(2024, month, 1) for month in range(1, 13)]
WANTED = {"a": "digest"}


class Shard:
    """Gives one row a date, but for the dates whose past was overwritten."""

    def __init__(self, overwritten):
        self.overwritten, self.cuts = overwritten, []

    def cohort(self, as_of):
        return pa.chunked_array([["c"]])

    def cut(self, as_of, names):
        self.cuts.append(as_of)
        return rows(as_of, 1.0 + (as_of in self.overwritten))


def rows(as_of, value):
    keys = {"customer_id": ["c"], "as_of": [as_of], "product_line": ["electricity"]}
    return pa.table(keys | {"a": pa.array([value], pa.float32())})


@pytest.fixture
def stands(tmp_path):
    def run(shard, newest):
        paths = {day: tmp_path / f"{day}.parquet" for day in (*KEPT, newest)}
        for day in KEPT:
            write_features(paths[day], rows(day, 1.0), WANTED)
        missing = {day: set() if day in KEPT else {"a"} for day in paths}
        return history_stands(shard, paths, missing, list(WANTED))

    return run


@pytest.mark.parametrize("step", [1, 7, 28])
def test_runs_that_follow_each_other_check_every_kept_date(step):
    newest = [KEPT[-1] + timedelta(days=step * number) for number in range(1, 91)]
    drawn = [dates_to_check(KEPT, day) for day in newest]
    assert {pair[0] for pair in drawn} == {KEPT[-1]}
    assert {pair[1] for pair in drawn} == set(KEPT[:-1])


def test_the_dates_given_in_another_order_are_checked_alike():
    assert dates_to_check(KEPT[::-1], date(2025, 1, 5)) == dates_to_check(KEPT, date(2025, 1, 5))


def test_an_overwritten_older_date_is_found_when_its_turn_comes(stands):
    days = [KEPT[-1] + timedelta(days=number) for number in range(1, 61)]
    for old in (KEPT[2], KEPT[7]):
        found = [not stands(Shard({old}), day) for day in days]
        assert found == [old in dates_to_check(KEPT, day) for day in days]
        assert any(found)


def test_an_overwritten_newest_date_is_found_at_once(stands):
    assert not stands(Shard({KEPT[-1]}), date(2025, 1, 5))
    assert stands(Shard(set()), date(2025, 1, 5))


def test_one_older_date_is_cut_and_a_night_cuts_nothing_more(stands):
    shard = Shard(set())
    stands(shard, date(2025, 1, 5))
    assert len(shard.cuts) == 2
    assert dates_to_check([KEPT[0]], KEPT[0]) == (KEPT[0],)
    assert dates_to_check([], KEPT[0]) == ()
