"""Open months: what is known of them, counted on closed ones as they were known then."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from models.dataset.exposure import NEVER, Exposure
from pipelines.config.run import Run
from pipelines.config.settings import load_settings
from pipelines.jobs.read_tables import read_tables
from pipelines.runtime.run_record import RunRecord
from pipelines.training.newer_examples import known_shares, open_as_ofs, open_rows

CLOSED, TODAY = date(2023, 6, 1), date(2023, 9, 20)
COMPANY = {"name": "S", "timezone": "Europe/Oslo", "currency": "NOK", "language": "nb"}
NOON = datetime(2023, 6, 1, 12, tzinfo=UTC)
OPEN = (date(2023, 7, 1), date(2023, 8, 1), date(2023, 9, 1))
# Days after CLOSED: of the notice, and of when it was known. The label window is 14 to 104.
NOTICES = ((15, 15), (18, 25), (45, 45), (80, 82), (90, 90), (10, 10), (104, 104))


@pytest.fixture
def company(tmp_path):
    """Settings and snapshot of a company where so many customers gave each of the notices."""

    def make(each, **training):
        days = [notice for notice in NOTICES for _ in range(each)]
        ids = [f"{number:05d}" for number in range(len(days) + 50)]
        tables = {
            "customers": {"customer_id": ids},
            "contracts": {
                "contract_id": ids,
                "customer_id": ids,
                "product_line": ["electricity"] * len(ids),
                "started_on": [date(2023, 1, 1)] * len(ids),
            },
            "terminations": {
                "contract_id": ids[: len(days)],
                "customer_id": ids[: len(days)],
                "notified_on": [CLOSED + timedelta(day) for day, _ in days],
                "effective_on": [date(2024, 1, 1)] * len(days),
                "outcome": ["voluntary"] * len(days),
                "known_at": [NOON + timedelta(day) for _, day in days],
            },
        }
        (tmp_path / "data").mkdir()
        for name, columns in tables.items():
            pq.write_table(pa.table(columns), tmp_path / "data" / f"{name}.parquet")
        document = {
            "company": COMPANY,
            "paths": {name: str(tmp_path / name) for name in ("data", "var", "out")},
            "sources": {
                name: {"path": f"{name}.parquet", "known_delay_days": 0, "static": True}
                for name in tables
            },
            "training": {"first_as_of": CLOSED, **training},
        }
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        settings = load_settings(tmp_path / "config.yaml")
        return settings, read_tables(Run(settings, TODAY, RunRecord("r", "test", "")))

    return make


def test_open_months_have_begun_and_are_not_closed(company):
    settings, snapshot = company(1)
    assert open_as_ofs(settings, snapshot, (CLOSED,), TODAY) == OPEN
    # On the first day of the window nothing in it can be known.
    assert open_as_ofs(settings, snapshot, (CLOSED,), date(2023, 9, 15)) == OPEN[:2]
    assert open_as_ofs(settings, snapshot, (CLOSED,), date(2023, 9, 16)) == OPEN


def test_the_share_known_is_counted_by_hand(company):
    settings, snapshot = company(100)
    found = known_shares(settings, snapshot, (CLOSED,), OPEN, TODAY)
    # 81, 50 and 19 days in: what was given on day 80 was known on day 82, on day 18 on day 25.
    assert found == dict(zip(OPEN, (0.6, 0.6, 0.2), strict=True))
    assert known_shares(settings, snapshot, (CLOSED,), OPEN, date(2023, 9, 27)) == dict(
        zip(OPEN, (0.8, 0.6, 0.4), strict=True)
    )
    assert known_shares(settings, snapshot, (CLOSED,), (), TODAY) == {}


def test_too_few_leavers_tell_nothing(company):
    settings, snapshot = company(79)
    assert known_shares(settings, snapshot, (CLOSED,), OPEN, TODAY) == {}


SHARES = {OPEN[0]: 0.8, OPEN[1]: 0.5}


def frame(rows):
    """Rows in ``OPEN[0]``, one each for days to the end and its cause."""
    as_of = pd.Timestamp(OPEN[0])
    ended = [as_of + pd.Timedelta(days=days) if days else None for days, _ in rows]
    return pd.DataFrame(
        {
            "customer_id": [str(number) for number in range(len(rows))],
            "as_of": as_of,
            "product_line": "gas",
            "ended_on": pd.to_datetime(ended),
            "cause": [cause for _, cause in rows],
        }
    )


def exposure(rows, treated=(), spared=()):
    """The exposure of these rows; some treated on day 5, some spared then for three each."""
    ended = np.array([NEVER if days is None else days for days, _ in rows])
    at = np.arange(len(rows))
    return replace(
        Exposure.untreated(ended),
        treated_after=np.where(np.isin(at, list(treated)), 5, NEVER),
        held_out_after=np.where(np.isin(at, list(spared)), 5, NEVER),
        held_out_for=np.full(len(rows), 3.0),
    )


MODEL = SimpleNamespace(
    spec=SimpleNamespace(encode=lambda rows: np.arange(len(rows))), raw=lambda x, threads: x + 0.5
)


def rows_of(settings, rows, **exposed):
    run = Run(settings, TODAY, RunRecord("r", "test", ""))
    seen = exposure(rows, **exposed)
    return open_rows(run, SimpleNamespace(model=MODEL), frame(rows), seen, SHARES)


ENDS = [(20, "voluntary"), (3, "voluntary"), (30, "moved"), *[(None, None)] * 20]


def test_rows_that_ended_otherwise_are_out_and_the_rest_keep_their_scores(company):
    settings, _ = company(1)
    found = rows_of(settings, ENDS)
    assert found.customer_id.tolist() == ["0", *map(str, range(3, 23))]
    assert found.y.tolist() == [1, *[0] * 20]
    assert found.raw.tolist() == [0.5, *np.arange(3.5, 23)]
    assert set(found.share) == {0.8}


def test_the_treated_are_out_and_the_spared_count_for_them(company):
    settings, _ = company(1)
    # Customer 0 leaves after the lot has spared it, 1 had ended before its treatment.
    found = rows_of(settings, ENDS, treated={1, 5, 6}, spared={0, 7})
    names = ["0"] * 3 + ["3", "4"] + ["7"] * 3 + list(map(str, range(8, 23)))
    assert found.customer_id.tolist() == names
    assert found.copies.tolist() == [3] * 3 + [1] * 2 + [3] * 3 + [1] * 15
    assert found.y.sum() == 3
    run = Run(settings, TODAY, RunRecord("r", "test", ""))
    champion = SimpleNamespace(model=MODEL)
    assert open_rows(run, champion, frame(ENDS), exposure(ENDS), {}) is None


def test_the_treated_count_where_feedback_is_ignored(company):
    settings, _ = company(1, feedback="ignore")
    assert "5" in rows_of(settings, ENDS, treated={5, 6}).customer_id
