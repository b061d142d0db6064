"""Nothing that names a person gets past the sources, and no agent can be told from another."""

import gzip
import io
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.config.settings import load_settings
from pipelines.snapshots.snapshot import take_snapshot

CANARY = "Kanarifugl"
PERSONAL = ("name", "phone", "email", "address", "birth_date", "note")
AGENTS = ("agent", "agent_name", "saksbehandler")


def with_canaries(tables: Path) -> None:
    """Personal columns in every table that has customers, and some rows that break the contract."""
    for path in tables.glob("*.parquet"):
        frame = pd.read_parquet(path)
        if "customer_id" not in frame:
            continue
        for column in (*PERSONAL, *AGENTS):
            frame[column] = [f"{CANARY}-{column}-{n}" for n in range(len(frame))]
        if path.stem == "contacts":
            frame.loc[:2, "channel"] = "telepathy"
        frame.to_parquet(path, index=False)


def texts(path: Path) -> Iterator[bytes]:
    """What a file says, also inside Parquet, gzip, zip and SQLite."""
    content = path.read_bytes()
    yield content
    if path.suffix == ".parquet":
        yield repr(pq.read_table(path, partitioning=None).to_pylist()).encode()
        yield repr(pq.read_schema(path).metadata).encode()
    elif content[:2] == b"\x1f\x8b":
        yield gzip.decompress(content)
    elif zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif content[:15] == b"SQLite format 3":
        with sqlite3.connect(path) as database:
            yield "\n".join(database.iterdump()).encode()


def saying(word: str, *roots: Path) -> list[Path]:
    files = (path for root in roots for path in root.rglob("*") if path.is_file())
    return [path for path in files if any(word.encode() in text for text in texts(path))]


@pytest.mark.promise("private")
def test_the_search_would_find_a_canary(tmp_path: Path):
    pd.DataFrame({"a": [CANARY]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.gz").write_bytes(gzip.compress(CANARY.encode()))
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("create table said (word text)")
        database.execute("insert into said values (?)", [CANARY])
    pd.DataFrame({"a": [CANARY]}).to_excel(tmp_path / "a.xlsx")
    assert len(saying(CANARY, tmp_path)) == 4


@pytest.mark.promise("private")
def test_no_person_is_named_in_anything_that_a_night_keeps_says_or_publishes(
    demo, copied, stille, caplog: pytest.LogCaptureFixture
):
    with_canaries(copied / "data" / "tables")
    config = demo.config_in(copied, copied / "data", list={"profiles": ["crm", "xlsx"]})
    told = [stille("check", "--config", config, "--as-of", demo.as_of)]
    told.append(stille("nightly", "--config", config, "--as-of", demo.as_of, "--plain"))
    assert [ended.code for ended in told] == [0, 0], told
    assert (copied / "out" / "current" / "risk_list.xlsx").exists()
    assert saying(CANARY, copied / "data")
    assert saying(CANARY, copied / "out", copied / "var") == []
    # A run that fails says what is wrong without saying whose it is.
    broken = copied / "data" / "tables" / "contacts.parquet"
    frame = pd.read_parquet(broken)
    frame.assign(channel=frame["name"]).to_parquet(broken, index=False)
    told.append(stille("nightly", "--config", config, "--as-of", demo.as_of, "--plain"))
    assert told[-1].code == 3
    assert "contacts" in told[-1].err
    said = "".join(ended.out + ended.err for ended in told) + caplog.text
    assert CANARY not in said
    assert saying(CANARY, copied / "out", copied / "var" / "runs") == []


def test_who_answered_changes_nothing(demo, copied):
    """All that a run sees are the snapshot's tables, and those are the same, byte for byte."""
    contacts = copied / "data" / "tables" / "contacts.parquet"
    before = pd.read_parquet(contacts)
    settings = load_settings(demo.config_in(copied, copied / "data"))
    found = []
    for seed in (1, 2):
        drawn = pd.Series(range(len(before))).sample(frac=1, random_state=seed).to_numpy() % 7
        before.assign(agent=drawn, agent_id=drawn[::-1]).to_parquet(contacts, index=False)
        taken = take_snapshot(settings, copied / f"snapshot-{seed}")
        assert {"agent", "agent_id"} <= set(taken.tables["contacts"].forbidden)
        found.append(taken.files)
    assert len(found[0]) > len(settings.sources)
    assert found[0] == found[1]
