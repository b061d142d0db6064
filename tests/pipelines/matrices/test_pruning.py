"""Kept matrices are shared, not copied, and those that nobody will read again are removed."""

import os
import shutil
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.matrices import store as module
from pipelines.matrices.store import MatrixStore, open_store, prune
from pipelines.snapshots.snapshot import take_snapshot

NIGHTS = [date(2024, 2, 20) + timedelta(days=number) for number in range(30)]
LABELS = "customer_id,as_of,churned\n1,2024-02-25,true\n2,2024-02-26,false\n"


@pytest.fixture
def store(tmp_path: Path) -> MatrixStore:
    return MatrixStore(tmp_path / "matrices" / "mine")


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def fill(store: MatrixStore, folder: Path) -> None:
    for night in NIGHTS:
        store.keep(night, 0, written(folder / f"{night}.parquet", str(night)))


def test_a_file_is_kept_and_lent_without_a_copy(store, tmp_path):
    mine = written(tmp_path / "run" / "a", "rows")
    store.keep(NIGHTS[0], 3, mine)
    store.lend(NIGHTS[0], 3, tmp_path / "other" / "b")
    assert mine.samefile(tmp_path / "other" / "b")
    store.lend(NIGHTS[0], 4, tmp_path / "other" / "c")
    assert not (tmp_path / "other" / "c").exists()


def test_what_was_lent_stays_when_the_store_replaces_or_removes_it(store, tmp_path):
    lent = tmp_path / "run" / "lent"
    fill(store, tmp_path / "a")
    store.lend(NIGHTS[0], 0, lent)
    store.keep(NIGHTS[0], 0, written(tmp_path / "b" / "new", "other rows"))
    store.prune([])
    assert NIGHTS[0] not in store.dates()
    assert lent.read_text() == str(NIGHTS[0])


def test_a_disk_without_hard_links_gets_copies(store, tmp_path, monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refused)
    mine = written(tmp_path / "run" / "a", "rows")
    store.keep(NIGHTS[0], 0, mine)
    store.lend(NIGHTS[0], 0, tmp_path / "run" / "b")
    assert (tmp_path / "run" / "b").read_text() == "rows"
    assert not mine.samefile(tmp_path / "run" / "b")


def test_a_date_removed_while_it_is_kept_is_only_not_kept(store, tmp_path, monkeypatch):
    share = module._share

    def after_removal(source: Path, target: Path) -> None:
        shutil.rmtree(store.path(NIGHTS[0], 0).parent)
        share(source, target)

    monkeypatch.setattr(module, "_share", after_removal)
    mine = written(tmp_path / "run" / "a", "rows")
    store.keep(NIGHTS[0], 0, mine)
    assert store.dates() == ()
    assert mine.read_text() == "rows"


def test_months_of_training_and_the_newest_nights_stay(company, tmp_path):
    settings = company()
    snapshot = take_snapshot(settings, tmp_path / "snapshot")
    store = open_store(settings, snapshot.shards)
    prune(settings, snapshot)
    assert not store.root.exists()
    fill(store, tmp_path / "run")
    before = settings.training.first_as_of
    assert before <= NIGHTS[0]
    prune(settings, snapshot)
    assert store.dates() == (date(2024, 3, 1), *NIGHTS[-7:])


def test_dates_of_a_labels_table_stay(company, tmp_path):
    settings = company({"labels.csv": LABELS}, {"labels": {"path": "labels.csv"}})
    snapshot = take_snapshot(settings, tmp_path / "snapshot")
    store = open_store(settings, snapshot.shards)
    fill(store, tmp_path / "run")
    prune(settings, snapshot)
    assert store.dates() == (date(2024, 2, 25), date(2024, 2, 26), *NIGHTS[-7:])


def test_a_mapping_that_nobody_used_for_long_is_removed(store, tmp_path):
    old, recent = (MatrixStore(store.root.with_name(name)) for name in ("old", "recent"))
    now = time.time()
    for each, days in ((store, 100), (old, 91), (recent, 89)):
        fill(each, tmp_path / each.root.name)
        os.utime(each.root, (now, now - days * 86_400))
    store.prune([])
    assert len(store.dates()) == 7
    assert not old.root.exists()
    assert recent.dates() == tuple(NIGHTS)
