"""A night costs what the day brought, and its snapshot is the one that a first night would take."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from growing_company import EDITS, NIGHT, GrowingCompany, month_of

from features.errors import BusyError, ContractError
from pipelines.snapshots import typed_rows, typed_store
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.sources import files
from pipelines.sources.files import InputDigests, find_files


@pytest.fixture(params=[1, pytest.param(2, marks=pytest.mark.proof)])
def growing(company, tmp_path, request):
    return GrowingCompany(company, tmp_path, request.param)


@pytest.fixture
def one(company, tmp_path):
    return GrowingCompany(company, tmp_path, 1)


@pytest.fixture
def typed(monkeypatch):
    """The names of the files that were typed."""
    shown, names = typed_rows.days_as_shown, []

    def counted(connection, part, *arguments):
        names.append(part.path.name)
        return shown(connection, part, *arguments)

    monkeypatch.setattr(typed_rows, "days_as_shown", counted)
    return names


def same(warm, cold):
    assert (warm.digest, warm.shards, warm.tables) == (cold.digest, cold.shards, cold.tables)
    assert warm.files == cold.files
    assert any(name.startswith("quarantine/") for name in warm.files)


def test_a_snapshot_is_the_same_whatever_was_typed_before(growing):
    same(growing.taken(), growing.taken_cold())
    for edit in growing.rng.sample(EDITS, len(EDITS)):
        getattr(growing, edit)()
        same(growing.taken(), growing.taken_cold())


def test_a_file_that_is_there_twice_repeats_each_of_its_rows(one):
    first = one.taken()
    one.repeat_a_file()
    second = one.taken()
    part = "cases/shard=0/part.parquet"
    assert second.files[part] == first.files[part]
    assert second.tables["cases"].rows == first.tables["cases"].rows > 0


def test_only_the_file_that_is_new_is_read(one, typed, monkeypatch):
    monkeypatch.setattr(files, "_TICK", -(10**12))  # files that were written long ago
    hashed = []
    digest = files.file_digest
    monkeypatch.setattr(files, "file_digest", lambda p: hashed.append(p.name) or digest(p))
    one.taken()
    everything = {path.name for path in one.files()} | {"customers.csv"}
    assert set(typed) == set(hashed) == everything
    assert len(typed) == len(hashed) == len(everything)  # hashed once, not again after reading
    (one.data / "cases-4.csv").write_text(month_of("cases", 4, one.rng))
    typed.clear(), hashed.clear()
    one.taken()
    assert typed == ["cases-4.csv"]
    assert hashed == ["customers.csv", "cases-4.csv"]  # the test writes the customers anew


@pytest.mark.promise("clock")
def test_a_changed_past_is_noticed_though_its_time_was_set_back(one, monkeypatch):
    monkeypatch.setattr(files, "_TICK", -(10**12))
    one.taken()
    path = one.data / "cases-1.csv"
    before, text = path.stat(), path.read_text()
    path.write_text(text.replace("2026-01", "2025-01"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    same(one.taken(), one.taken_cold())


@pytest.mark.parametrize("content", [None, "", "[]", '{"a": 1}', "{"])
def test_a_ledger_that_says_nothing_or_comes_too_soon_means_hashing(one, monkeypatch, content):
    inputs = {"cases": find_files(one.settings(), "cases")}
    ledger = one.root / "var" / "digests.json"
    found = InputDigests(ledger, inputs).found
    assert not ledger.exists()  # files written a moment ago may change within the same tick
    monkeypatch.setattr(files, "_TICK", -(10**12))
    InputDigests(ledger, inputs)
    assert {Path(name).name for name in json.loads(ledger.read_text())} == {
        path.name for path in one.data.glob("cases-*")
    }
    if content is not None:
        ledger.write_text(content)
    monkeypatch.setattr(files, "file_digest", lambda path: "hashed")
    again = InputDigests(ledger, inputs).found
    assert again == (found if content is None else dict.fromkeys(found, "hashed"))


def test_a_file_of_before_in_a_place_that_cannot_be_seen_stops_nothing(one, monkeypatch):
    inputs = {"cases": find_files(one.settings(), "cases")}
    ledger = one.root / "var" / "digests.json"
    monkeypatch.setattr(files, "_TICK", -(10**12))
    found = InputDigests(ledger, inputs).found
    kept = json.loads(ledger.read_text())
    # A name too long raises where its file is asked for, as a folder without the right to enter.
    ledger.write_text(json.dumps({"/" + "x" * 5000: kept.popitem()[1]}))
    assert InputDigests(ledger, inputs).found == found
    assert "x" * 5000 not in ledger.read_text()


@pytest.mark.parametrize(
    ("owner", "name", "ending"), [(files, "file_digest", ""), (Path, "read_text", ".sha256")]
)
def test_an_export_that_may_not_be_read_is_named_with_what_to_do(
    one, monkeypatch, owner, name, ending
):
    def denied(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    inputs = {"cases": find_files(one.settings(), "cases")}
    for each in inputs["cases"]:
        each.path.with_name(f"{each.path.name}.sha256").write_text("0")
    monkeypatch.setattr(owner, name, denied)
    words = rf"cases-\S+{ending}: cannot be read \(Permission denied\)"
    with pytest.raises(ContractError, match=words):
        InputDigests(one.root / "var" / "digests.json", inputs)


@pytest.mark.promise("stores")
def test_damaged_rows_are_typed_again(one, typed):
    first = one.taken()
    folders = sorted(path for path in (one.root / "var" / "typed").iterdir())
    for folder, damage in zip(folders, ["flip", "cut", "remove", "facts", "facts"], strict=False):
        path = next(folder.rglob("*.parquet"))
        path = folder / "typed" if damage == "facts" else path
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        stat = path.stat()
        path.write_bytes(content[: 9 if damage == "cut" else None])
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        if damage == "remove":
            path.unlink()
    typed.clear()
    for path in [p for p in (one.root / "var" / "snapshots").rglob("*") if p.is_file()]:
        path.unlink()
    again = one.taken()
    assert (again.tables, again.files) == (first.tables, first.files)
    assert len(typed) == 5
    assert {p.name for p in folders} == {p.name for p in (one.root / "var" / "typed").iterdir()}


KILLED = """
import os, sys
from datetime import date
from pathlib import Path
from pipelines.config.settings import load_settings
from pipelines.snapshots import typed_rows
from pipelines.snapshots.snapshot import take_snapshot
write, files = typed_rows.write_partitions, []
def killing(*arguments):
    files.append(1)
    rows = write(*arguments)
    return rows if len(files) < 3 else os._exit(9)
typed_rows.write_partitions = killing
settings = load_settings(Path(sys.argv[1]))
take_snapshot(settings, settings.paths.snapshots, as_of=date(2026, 3, 10))
"""


@pytest.mark.fault(28)
def test_a_run_goes_on_from_the_files_that_a_killed_one_had_typed(one, typed):
    one.settings()
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(one.root / "config.yaml")], check=False
    )
    assert ended.returncode == 9
    store = one.root / "var" / "typed"
    assert len(list(store.glob("_key=*"))) == 2
    assert len(list(store.glob(".*"))) == 1
    snapshot = one.taken()
    assert len(typed) == 3
    assert not list(store.glob(".*"))
    same(snapshot, one.taken_cold())


def test_rows_of_a_file_replaced_while_it_was_read_are_never_kept(one):
    path = one.data / "cases-1.csv"
    right, settings = path.read_text(), one.settings()

    def swapped(table):
        path.write_text(month_of("cases", 2, one.rng))

    with pytest.raises(BusyError, match=r"cases-1\.csv: changed while it was read"):
        take_snapshot(settings, settings.paths.snapshots, swapped, NIGHT)
    path.write_text(right)
    same(one.taken(), one.taken_cold())


def test_rows_that_no_run_has_used_for_a_day_are_removed(one):
    one.taken()
    store = one.root / "var" / "typed"
    first = {path.name for path in store.iterdir()}
    for path in store.iterdir():
        os.utime(path, (0, time.time() - typed_store.UNUSED_SECONDS - 9))
    (one.data / "cases-1.csv").unlink()
    digests = InputDigests(one.root / "var" / "digests.json", {})
    reader = typed_store.TypedStore(store, digests)
    one.taken()
    assert {path.name for path in store.iterdir()} == first
    del reader
    # A night that is refused clears them too.
    (one.data / "cases-3.csv").write_text("case_id\n1\n")
    with pytest.raises(ContractError, match=r"cases-3\.csv"):
        one.taken()
    assert len(list(store.iterdir())) == len(first) - 1
