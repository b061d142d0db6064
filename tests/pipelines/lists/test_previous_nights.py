"""Earlier nights: whole publications only, the newest of each day."""

import json
from datetime import UTC, date, datetime

import pandas as pd

from pipelines.config.lists import RiskList
from pipelines.lists.list_columns import FIELDS
from pipelines.lists.previous_nights import call_rows, first_language, read_before, top_rows
from pipelines.lists.worklists import WORKLISTS
from pipelines.publication import reader
from pipelines.publication.manifest import MANIFEST, Stamp, manifest_bytes
from pipelines.publication.writers import write_list
from pipelines.runtime.atomic_files import digest

NAMES = ("customer_id", "churn_probability", "lane", "lane_rule", "nights_on_list")
CREATED = datetime(2026, 3, 1, tzinfo=UTC)


def publish(out, as_of, run_id, p, created=CREATED, names=NAMES):
    folder = out / as_of.isoformat() / run_id
    folder.mkdir(parents=True)
    rows = pd.DataFrame(
        {
            "customer_id": ["=a"],
            "churn_probability": [p],
            "lane": ["call"],
            "lane_rule": [None],
            "nights_on_list": [3],
        }
    )
    write_list(
        rows, tuple(f for f in FIELDS if f.name in names), folder, "risk_list", RiskList(), "en"
    )
    stamp = Stamp(as_of, run_id, created, "i", "c", "m/1", "m", 90, {})
    (folder / MANIFEST).write_bytes(manifest_bytes(folder, stamp, {}))
    return folder


def risk(night):
    return None if night is None else night.rows["churn_probability"].to_dict()


def test_the_night_before_and_the_one_of_a_week_ago(tmp_path):
    today = date(2026, 3, 20)
    assert read_before(tmp_path, today).last is None
    for day, p in ((6, 0.06), (7, 0.07), (12, 0.12), (14, 0.14), (19, 0.19), (20, 0.2), (21, 0.3)):
        publish(tmp_path, date(2026, 3, day), "r", p)
    (tmp_path / "2026-03-xx").mkdir()
    before = read_before(tmp_path, today)
    assert risk(before.last) == {"=a": 0.19}
    assert risk(before.week_ago) == {"=a": 0.12}
    assert before.last.described["model_digest"] == "m"
    assert before.last.rows["nights_on_list"].tolist() == [3]
    assert read_before(tmp_path, date(2026, 3, 6)).last is None
    assert read_before(tmp_path, date(2026, 4, 20)).week_ago is None


def test_damaged_and_foreign_publications_do_not_count(tmp_path):
    day = date(2026, 3, 2)
    publish(tmp_path, date(2026, 2, 27), "r", 0.1)
    publish(tmp_path, date(2026, 2, 28), "old", 0.2, names=("customer_id", "churn_probability"))
    harmed = publish(tmp_path, date(2026, 3, 1), "r", 0.3)
    (harmed / "risk_list.csv").write_text("customer_id\n")
    assert risk(read_before(tmp_path, day).last) == {"=a": 0.1}
    later = datetime(2026, 3, 1, 1, tzinfo=UTC)
    publish(tmp_path, date(2026, 3, 1), "a", 0.5, later)
    publish(tmp_path, date(2026, 3, 1), "b", 0.4)
    assert risk(read_before(tmp_path, day).last) == {"=a": 0.5}
    manifest = tmp_path / "2026-02-27" / "r" / MANIFEST
    manifest.write_text(json.dumps({"resources": []}))


def test_read_before_hashes_each_file_of_an_earlier_night_once(tmp_path, monkeypatch):
    publish(tmp_path, date(2026, 3, 1), "r", 0.1)
    hashed = []
    monkeypatch.setattr(reader, "digest", lambda path: hashed.append(path) or digest(path))
    before = read_before(tmp_path, date(2026, 3, 10))
    assert before.last is before.week_ago
    assert sorted(path.name for path in hashed) == ["risk_list.csv", "risk_list.parquet"]


def test_the_first_calls_are_read_in_the_first_language_as_people_have_them(tmp_path):
    assert first_language(tmp_path) == ""
    assert call_rows(tmp_path, "", 3) == []
    for language, words in (("en", "Waits"), ("nb", "Venter på svar")):
        cells = {name: [f"{words}; {n}" for n in range(4)] for name in WORKLISTS["call"]}
        titled = pd.DataFrame(cells).rename(columns=lambda name, of=language: f"{of} {name}")
        path = tmp_path / f"worklist.call.{language}.1-north.excel.csv"
        titled.assign(**{f"{language} note": None}).to_csv(
            path, sep=";", index=False, encoding="utf-8-sig"
        )
    (tmp_path / "risk_list.en.parquet").touch()
    assert first_language(tmp_path) == "nb"
    rows = call_rows(tmp_path, "nb", 3)
    assert [row["why"] for row in rows] == [f"Venter på svar; {n}" for n in range(3)]
    assert rows[0]["note"] == ""


def test_the_top_of_a_list_has_numbers_and_null(tmp_path):
    rows = pd.DataFrame({"risk_rank": [1, 2], "churn_probability": [0.5, 0.25]})
    rows.assign(reason_1_text=["a", None]).to_parquet(tmp_path / "risk_list.parquet")
    assert top_rows(tmp_path, 2) == [
        {"risk_rank": 1, "churn_probability": 0.5, "reason_1_text": "a"},
        {"risk_rank": 2, "churn_probability": 0.25, "reason_1_text": None},
    ]
