"""Who was treated, from published call lists and the CRM's table together."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pipelines.config.run import Run
from pipelines.config.settings import load_settings
from pipelines.jobs.read_tables import read_tables
from pipelines.matrices.treatment_record import treatment_marks
from pipelines.publication.manifest import MANIFEST, Stamp, manifest_bytes
from pipelines.runtime.run_record import RunRecord

NIGHT, TODAY = date(2024, 3, 1), date(2024, 5, 1)
IDS = [f"{number:03d}" for number in range(100)]


def publish(out, as_of, called, spared):
    folder = out / as_of.isoformat() / "nightly-1"
    folder.mkdir(parents=True)
    lanes = ["call"] * len(called) + ["none"] * len(spared)
    rules = {"lane_rule": pa.array([None] * len(called) + ["holdout"] * len(spared), pa.string())}
    pq.write_table(
        pa.table({"customer_id": called + spared, "lane": lanes} | rules),
        folder / "risk_list.parquet",
    )
    made = datetime(2024, 1, 1, tzinfo=UTC)
    stamp = Stamp(as_of, "nightly-1", made, "i", "c", "churn/1", "m", 90, {})
    (folder / MANIFEST).write_bytes(manifest_bytes(folder, stamp, {}))


@pytest.fixture
def marks_of(tmp_path):
    """Marks and notes of a company with two nights and, where given, treatments."""

    def make(treatments=None):
        tables = {
            "customers": {"customer_id": IDS},
            "contracts": {"contract_id": IDS, "customer_id": IDS, "product_line": ["gas"] * 100}
            | {"started_on": [date(2023, 1, 1)] * 100},
        }
        if treatments:
            at = [datetime(2024, 3, day, 12, tzinfo=UTC) for _, day, _ in treatments]
            tables["treatments"] = {
                "treatment_id": [str(i) for i in range(len(at))],
                "customer_id": [who for who, *_ in treatments],
                "treated_at": at,
                "arm": [arm for *_, arm in treatments],
                "contacted": [arm != "holdout" for *_, arm in treatments],
            }
        (tmp_path / "data").mkdir()
        for name, columns in tables.items():
            pq.write_table(pa.table(columns), tmp_path / "data" / f"{name}.parquet")
        static = {"path": "customers.parquet", "known_delay_days": 0, "static": True}
        names = [name for name in tables if name != "customers"]
        sources = {name: {"path": f"{name}.parquet", "known_delay_days": 0} for name in names}
        document = {
            "company": {
                "name": "S",
                "timezone": "Europe/Oslo",
                "currency": "NOK",
                "language": "nb",
            },
            "paths": {name: str(tmp_path / name) for name in ("data", "var", "out")},
            "sources": {"customers": static, **sources},
            "training": {"first_as_of": date(2023, 6, 1)},
        }
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        run = Run(load_settings(tmp_path / "config.yaml"), TODAY, RunRecord("r", "test", ""))
        snapshot = read_tables(run)
        run.record.notes.clear()
        return treatment_marks(run, snapshot), run.record.notes

    publish(tmp_path / "out", NIGHT, IDS[:60], IDS[60:80])
    publish(tmp_path / "out", date(2024, 3, 5), IDS[:1], IDS[60:61])
    publish(tmp_path / "out", TODAY, IDS[90:], [])
    return make


def test_call_lists_alone_tell_who_was_treated_and_say_so(marks_of):
    marks, (note,) = marks_of()
    assert sorted(marks.loc[marks["treated"], "customer_id"].unique()) == IDS[:60]
    # One of sixty came again within days: an exception, so the spared one who did counts once.
    assert len(marks) == 81
    assert marks["by_lot"].all()
    assert set(marks.loc[~marks["treated"], "held_out_for"]) == {4.0}
    assert note == (
        "60 customers were treated, as known from the published call lists, as no treatments are "
        "reported; 20 were held out by lot, 1 of 4.0"
    )


def test_what_a_crm_reports_is_joined_and_the_spared_rest(marks_of):
    marks, (note,) = marks_of([("085", 10, None), ("060", 1, "holdout"), ("000", 1, "treat")])
    assert marks.loc[marks["customer_id"] == "085", "by_lot"].tolist() == [False]
    assert (marks["customer_id"] == "060").sum() == 1
    assert "61 customers were treated, as known from the table treatments and the pub" in note


def test_a_company_that_treated_nobody_has_no_marks_and_no_note(marks_of, tmp_path):
    for night in (tmp_path / "out").iterdir():
        night.rename(tmp_path / f"away-{night.name}")
    marks, notes = marks_of()
    assert (len(marks), notes) == (0, [])
