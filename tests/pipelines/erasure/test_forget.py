"""A forgotten customer is nowhere, and nobody else is touched."""

import csv
import io
import json
import shutil
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stamps import STAMP

from features.errors import BusyError, ContractError, PublicationError
from pipelines.config.lists import RiskList
from pipelines.erasure import publications
from pipelines.erasure.forget import forget
from pipelines.erasure.publications import find, forget_published, without
from pipelines.publication import bucket
from pipelines.publication.manifest import MANIFEST, PAGES, Field, columns, page_name
from pipelines.publication.publish import publish, publisher, staging_folder
from pipelines.publication.reader import Publication, current, verify
from pipelines.publication.writers import write_list
from pipelines.runtime import atomic_files
from pipelines.snapshots.facts import read_snapshot, verify_snapshot
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.snapshots.store import newest_first
from pipelines.snapshots.typed_store import TypedStore
from pipelines.sources.files import InputDigests

FIELDS = (
    Field("as_of_date", "date", "Day."),
    *(field for field in columns("worklists") if field.name == "customer_id"),
    Field("said", "text", "Words."),
)
EVERY_FILE = RiskList(languages=("nb",), profiles=("crm", "excel-nb", "xlsx"), rows_per_file=3)
ROWS = [("1", "10"), ("10", 'fint;\n"1", 1'), ("11", "1"), ("2", "1"), ("3", "«æ»")]


def publication(out: Path, day: int, run_id: str = "run-1") -> Publication:
    stamp = replace(STAMP, as_of=date(2024, 5, day))
    made = Publication(out, stamp.as_of, run_id)
    frame = pd.DataFrame(ROWS, columns=["customer_id", "said"]).astype("str")
    frame["as_of_date"] = pd.Timestamp(stamp.as_of)
    with publisher(out), staging_folder(made) as staging:
        written = write_list(frame, FIELDS, staging, "list", EVERY_FILE, "nb")
        (staging / "report.html").write_text("<p>10 customers</p>")
        publish(made, stamp, written)
    return made


def csv_ids(path: Path, separator: str) -> list[str]:
    text = io.StringIO(path.read_text("utf-8-sig"), newline="")
    return [row[1] for row in list(csv.reader(text, delimiter=separator))[1:]]


@pytest.mark.promise("forget")
def test_every_file_loses_that_customer_alone(tmp_path: Path):
    old, new = publication(tmp_path, 1), publication(tmp_path, 2)
    before = (new.folder / "list.csv").read_bytes()
    with publisher(tmp_path):
        assert forget_published(tmp_path, "10") == 2
    assert not old.folder.exists()
    now = current(tmp_path)
    assert now == Publication(tmp_path, new.as_of, "run-1.without-1")
    assert (tmp_path / "current.json").read_text().count("run-1.without-1") == 3
    verify(now.folder)
    left = [who for who, _ in ROWS if who != "10"]
    for ending, separator in ((".csv", ","), (".excel.csv", ";")):
        first = csv_ids(now.folder / f"list{ending}", separator)
        assert first + csv_ids(now.folder / f"list.part-02{ending}", separator) == left
    books = [openpyxl.load_workbook(now.folder / name) for name in ("list.xlsx", BOOK_2)]
    cells = [row[1] for book in books for row in list(book.active.values)[1:]]
    assert cells == left
    assert pd.read_parquet(now.folder / "list.parquet")["customer_id"].tolist() == left
    assert (now.folder / "report.html").read_text() == "<p>10 customers</p>"
    said = before.replace(b'2024-05-02,10,"fint;\n""1"", 1"\n', b"")
    assert (now.folder / "list.csv").read_bytes() == said


BOOK_2 = "list.part-02.xlsx"


def test_a_page_of_the_call_list_goes_with_its_customer(tmp_path: Path):
    made = Publication(tmp_path, STAMP.as_of, "run-1")
    with publisher(tmp_path), staging_folder(made) as staging:
        (staging / PAGES).mkdir()
        for rank, customer in enumerate(("1", "2-1", "../1"), start=1):
            (staging / PAGES / page_name(rank, customer)).write_text("page")
        publish(made, STAMP, {})
        assert forget_published(tmp_path, "1") == 1
    now = current(tmp_path)
    verify(now.folder)
    left = sorted(path.name for path in (now.folder / PAGES).iterdir())
    assert left == ["00002-2-1.html", "00003-..%2F1.html"]


def test_forgetting_again_or_a_stranger_changes_nothing(tmp_path: Path):
    publication(tmp_path, 2)
    with publisher(tmp_path):
        assert forget_published(tmp_path, "fint") == 0
        assert forget_published(tmp_path, "10") == 1
        assert forget_published(tmp_path, "10") == 0
        assert forget_published(tmp_path, "11") == 1
    assert current(tmp_path) == Publication(tmp_path, date(2024, 5, 2), "run-1.without-2")
    assert [path.name for path in (tmp_path / "2024-05-02").iterdir()] == ["run-1.without-2"]


@pytest.mark.promise("forget")
@pytest.mark.fault(28)
@pytest.mark.parametrize("other", ["10", "11"])
@pytest.mark.parametrize(
    ("module", "step"),
    [
        (publications, "place"),
        (publications, "point"),
        (atomic_files, "replace_bytes"),
        (publications, "withdraw"),
        (bucket, "shutil"),
    ],
)
def test_what_a_killed_call_left_the_next_one_finishes(
    tmp_path: Path, monkeypatch, module, step, other
):
    before = publication(tmp_path, 2, "nightly-20240502T030000Z-000000")

    def kill(path: Path, *_: object) -> None:
        if step == "shutil":
            (path / MANIFEST).unlink()
        sys.exit()

    with monkeypatch.context() as killed, publisher(tmp_path):
        killed.setattr(module, step, SimpleNamespace(rmtree=kill) if step == "shutil" else kill)
        with pytest.raises(SystemExit):
            forget_published(tmp_path, "10")
    with publisher(tmp_path):
        forget_published(tmp_path, other)
    (left,) = (tmp_path / "2024-05-02").iterdir()
    assert left == current(tmp_path).folder
    assert left != before.folder
    verify(left)
    pointer = json.loads((tmp_path / "current.json").read_bytes())
    assert tmp_path / pointer["path"] == left
    assert other not in pd.read_parquet(left / "list.parquet")["customer_id"].tolist()
    assert not [*tmp_path.glob(".staging*")]


@pytest.mark.promise("forget")
@pytest.mark.fault(28)
def test_both_pointers_name_what_is_there_though_a_night_was_killed_between_them(tmp_path: Path):
    publication(tmp_path, 1)
    before = (tmp_path / "current.json").read_bytes()
    publication(tmp_path, 2)
    for customer, held in (("fint", 0), ("10", 2)):
        (tmp_path / "current.json").write_bytes(before)
        with publisher(tmp_path):
            assert forget_published(tmp_path, customer) == held
        pointer = json.loads((tmp_path / "current.json").read_bytes())
        assert tmp_path / pointer["path"] == current(tmp_path).folder


def refuse(_: Publication) -> None:
    raise PublicationError("the disk is full")


@pytest.mark.promise("forget", "stores")
def test_a_damaged_copy_never_takes_the_place_of_a_whole_publication(tmp_path: Path, monkeypatch):
    before = publication(tmp_path, 2, "nightly-20240502T030000Z-000000")
    with monkeypatch.context() as killed, publisher(tmp_path):
        killed.setattr(publications, "point", lambda _: sys.exit())
        with pytest.raises(SystemExit):
            forget_published(tmp_path, "10")
    copy = before.folder.with_name(f"{before.run_id}.without-1")
    with monkeypatch.context() as full, publisher(tmp_path):
        full.setattr(publications, "point", refuse)
        with pytest.raises(PublicationError, match="full"):
            forget_published(tmp_path, "10")
    verify(copy)
    (copy / "list.csv").write_bytes(b"x")
    with publisher(tmp_path):
        assert forget_published(tmp_path, "10") == 1
    (left,) = (tmp_path / "2024-05-02").iterdir()
    assert left == current(tmp_path).folder == copy
    verify(left)
    assert not [*tmp_path.glob(".staging*")]


def test_a_table_of_nobody_and_unknown_ids_stay(tmp_path: Path):
    plans = pa.table({"plan_id": ["a"]})
    pq.write_table(plans, tmp_path / "plans.parquet")
    assert not without(tmp_path / "plans.parquet", "a")
    rows = pa.table({"customer_id": ["a", None, "b"], "n": [1, 2, 3]})
    metadata = {b"kept": b"yes"}
    pq.write_table(rows.replace_schema_metadata(metadata), tmp_path / "rows.parquet")
    assert without(tmp_path / "rows.parquet", "a")
    found = pq.read_table(tmp_path / "rows.parquet")
    assert found["n"].to_pylist() == [2, 3]
    assert found.schema.metadata[b"kept"] == b"yes"


def files_with(customer: str, *roots: Path) -> list[Path]:
    """Every file below ``roots`` that says the id, in its bytes or in a Parquet text column."""
    found = []
    for path in (path for root in roots for path in root.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            table = pq.read_table(path, partitioning=None)
            texts = [
                table[n]
                for n, t in zip(table.column_names, table.schema.types, strict=True)
                if pa.types.is_string(t) or pa.types.is_large_string(t)
            ]
            said = any(customer in texts.to_pylist() for texts in texts)
        else:
            said = customer.encode() in path.read_bytes()
        found += [path] if said else []
    return found


@pytest.mark.promise("forget")
def test_nothing_that_is_kept_or_published_says_the_id(demo, copied, stille):
    for name in ("snapshots", "typed", "matrices", "training"):
        shutil.copytree(demo.var / name, copied / "var" / name)
    config = demo.config_in(copied, data=copied / "data")
    listed = pd.read_parquet(copied / "out" / "current" / "risk_list.parquet")
    tested = pd.read_parquet(next((copied / "var" / "training").glob("*/test_scores.parquet")))
    customer = next(who for who in listed["customer_id"] if who in set(tested["customer_id"]))
    other = next(who for who in listed["customer_id"] if who != customer)
    kept = copied / "var", copied / "out"
    places = {path.relative_to(copied).parts[0:2] for path in files_with(customer, *kept)}
    assert {("var", n) for n in ("snapshots", "typed", "matrices", "training")} <= places
    others = {path.name for path in files_with(other, *kept)}
    ended = stille("forget", customer, "--yes", "--config", config)
    assert ended.code == 0, ended.err
    assert "Erased from 1 publications" in ended.out
    assert customer not in ended.out + ended.err
    assert files_with(customer, *kept) == []
    assert {path.name for path in files_with(other, *kept)} == others
    for folder in newest_first(copied / "var" / "snapshots"):
        verify_snapshot(read_snapshot(folder))


@pytest.fixture
def stored(company, tmp_path):
    """A company of which two nights' tables are kept, and what a killed run left of a third."""
    head = "case_id,customer_id,opened_at,known_at\n"
    files = {
        "customers.csv": "customer_id\nanne-7\nolav-8\n",
        "c-1.csv": head + "a,anne-7,2026-01-01 10:00:00,\nb,olav-8,2026-01-01 10:00:00,\n",
        "c-2.csv": head + "c,olav-8,2026-02-01 10:00:00,\nd,gone-9,2026-02-01 10:00:00,\n",
    }
    quality = {"max_quarantine_share": 0.9}
    settings = company(files, {"cases": {"path": "c-*.csv"}}, quality=quality)
    settings = settings.model_copy(
        update={"paths": settings.paths.model_copy(update={"out": tmp_path / "out"})}
    )
    for day in (1, 2):
        take_snapshot(settings, settings.paths.snapshots, as_of=date(2026, 3, day))
    typed = min(path for path in settings.paths.typed.glob("**/*.parquet"))
    for root in (settings.paths.typed, settings.paths.snapshots):
        shutil.copytree(typed.parent, root / ".killed.staging")
    for root in (settings.paths.scratch / "nightly-killed", settings.paths.spill):
        shutil.copytree(typed.parent, root, dirs_exist_ok=True)
    return settings


def test_a_dry_run_names_the_files_and_changes_none_of_them(stored, tmp_path, stille):
    publication(stored.paths.out, 2)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")}
    ended = stille("forget", "anne-7", "--dry-run", "--json", "--config", tmp_path / "config.yaml")
    assert ended.code == 0, ended.err
    found = {Path(name) for name in json.loads(ended.out)["files"]}
    assert found == {p for p in files_with("anne-7", tmp_path) if p.suffix == ".parquet"} > set()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")} == before
    assert [path.name for path in find(stored.paths, "10")] == ["list.parquet"]
    forget(stored.paths, "anne-7")
    assert find(stored.paths, "anne-7") == []


@pytest.mark.promise("forget")
@pytest.mark.parametrize("customer", ["anne-7", "gone-9"])
def test_typed_rows_and_what_killed_runs_left_do_not_say_the_id(stored, tmp_path, customer):
    var = tmp_path / "var"
    assert {path.relative_to(var).parts[0] for path in files_with(customer, var)} >= {"typed"}
    assert forget(stored.paths, customer).tables >= 1
    assert files_with(customer, var) == []
    assert {p.relative_to(var).parts[0] for p in files_with("olav-8", var)} > {"snapshots"}
    assert not [*stored.paths.typed.glob(".*"), *stored.paths.snapshots.glob(".*")]
    assert forget(stored.paths, customer).tables == 0


@pytest.mark.promise("forget")
@pytest.mark.parametrize("facts", ["{}", "null", "[]", None])
def test_a_snapshot_that_cannot_be_read_goes(stored, tmp_path, facts):
    damaged, whole = newest_first(stored.paths.snapshots)
    if facts is None:
        (damaged / "cases" / "shard=0" / "part.parquet").write_bytes(b"half")
    else:
        (damaged / "snapshot.json").write_text(facts)
    forget(stored.paths, "anne-7")
    assert files_with("anne-7", tmp_path / "var") == []
    assert newest_first(stored.paths.snapshots) == [whole]


@pytest.mark.promise("forget")
def test_half_a_file_of_a_killed_run_goes_and_one_that_nobody_makes_again_is_named(stored):
    paths = stored.paths
    half = [paths.typed / ".killed.staging" / "half.parquet", paths.matrices / "a" / "half.parquet"]
    half += [next(paths.typed.glob("_key=*")) / "half.parquet", paths.matrices / "a" / "half.tmp"]
    half += [paths.training / "run" / "test_scores.parquet"]
    for path in half:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"PAR1 half")
    assert {*half[:3], half[4]} <= {*find(paths, "anne-7")}
    forget(paths, "anne-7")
    assert not [path for path in half if path.exists()]
    assert files_with("anne-7", paths.var) == []
    paths.reported_treatments.parent.mkdir()
    paths.reported_treatments.write_bytes(b"half")
    with pytest.raises(PublicationError, match="damaged: restore it"):
        forget(paths, "anne-7")


@pytest.mark.promise("stores")
def test_a_damaged_table_is_not_believed_because_somebody_was_forgotten(stored):
    newest = newest_first(stored.paths.snapshots)[0]
    path = next(newest.glob("customers/**/*.parquet"))
    path.write_bytes(path.read_bytes().replace(b"DuckDB", b"DuckDC"))
    forget(stored.paths, "nobody")
    with pytest.raises(ContractError, match="damaged"):
        verify_snapshot(read_snapshot(newest))


def test_typed_rows_that_a_run_reads_are_left_alone(stored, tmp_path):
    reader = TypedStore(stored.paths.typed, InputDigests(stored.paths.digests, {}))
    with pytest.raises(BusyError, match="typed"):
        forget(stored.paths, "anne-7")
    assert files_with("anne-7", stored.paths.typed)
    del reader


def test_a_snapshot_that_a_run_reads_is_left_alone(demo, copied, stille):
    shutil.copytree(demo.var / "snapshots", copied / "var" / "snapshots")
    held = read_snapshot(newest_first(copied / "var" / "snapshots")[0])
    config = demo.config_in(copied, data=copied / "data")
    ended = stille("forget", "anybody", "--yes", "--config", config)
    assert ended.code == BusyError.exit_code
    assert "a run is reading" in ended.err
    verify_snapshot(held)


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_without_a_yes_nothing_is_erased(demo, copied, stille, monkeypatch, answer):
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    config = demo.config_in(copied, data=copied / "data")
    listed = pd.read_parquet(copied / "out" / "current" / "risk_list.parquet")
    assert stille("forget", listed["customer_id"][0], "--config", config).code == 1
    assert files_with(listed["customer_id"][0], copied / "out")
