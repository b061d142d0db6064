"""Earlier nights: whole publications only, the newest of each day."""

import json
from datetime import UTC, date, datetime

import pandas as pd

from pipelines.config.lists import Layout
from pipelines.lists.list_columns import FIELDS
from pipelines.lists.previous_nights import read_before
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
    write_list(rows, tuple(f for f in FIELDS if f.name in names), folder, "risk_list", Layout())
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
