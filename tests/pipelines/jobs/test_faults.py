"""Whatever breaks, the last good publication stands and the message says what to do."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from trees import records, tree

from pipelines.jobs.entry import NIGHTLY
from pipelines.publication.reader import current, verify
from pipelines.runtime.atomic_files import replace_bytes
from pipelines.snapshots.store import previous_snapshot

Sources = dict[str, Any]
CUSTOMERS = "customers.parquet"


def rewrite(tables: Path, name: str, select: str, into: str = "", options: str = "") -> Path:
    """Write what ``select`` (over ``{rows}``) gives of a table to ``into``, by default in place."""
    source, target = tables / f"{name}.parquet", tables / (into or f"{name}.parquet")
    rows = duckdb.sql(select.format(rows=f"'{source}'")).to_arrow_table()
    assert rows.num_columns
    duckdb.sql(f"copy (from rows) to '{target}' {options}")
    return target


def missing(tables: Path) -> Sources:
    (tables / "invoices.parquet").unlink()
    return {}


def empty(tables: Path) -> Sources:
    (tables / CUSTOMERS).write_bytes(b"")
    return {}


def truncated(tables: Path) -> Sources:
    path = tables / "contracts.parquet"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return {}


def header_only(tables: Path) -> Sources:
    rewrite(tables, "customers", "from {rows} limit 0", "customers.csv", "(header)")
    return {"customers": {"path": "tables/customers.csv", "known_delay_days": 0, "static": True}}


def other_dates(tables: Path) -> Sources:
    written = "select * replace (strftime(joined_on, '%d.%m.%Y') as joined_on) from {rows}"
    rewrite(tables, "customers", written, "customers.csv", "(header)")
    return {"customers": {"path": "tables/customers.csv", "known_delay_days": 0, "static": True}}


def twice(tables: Path) -> Sources:
    rewrite(tables, "customers", "from {rows} union all (from {rows} limit 1)")
    return {}


def renamed(tables: Path) -> Sources:
    rewrite(tables, "contracts", "select * rename (product_line as product) from {rows}")
    return {}


def strangers(tables: Path) -> Sources:
    rewrite(tables, "invoices", "select * replace ('X' || customer_id as customer_id) from {rows}")
    return {}


FAULTS = [
    (missing, ["tables/invoices.parquet", "sources.invoices.path", "no file matches"]),
    (empty, [CUSTOMERS, "0 bytes"]),
    (truncated, ["contracts.parquet", "not a whole Parquet file"]),
    (header_only, ["customers.csv", "only a header and no rows"]),
    (other_dates, ["customers.csv", "joined_on", "written like '", "'%Y-%m-%d'"]),
    (twice, ["customers: repeated key (customer_id)", ": rows ", "duplicates: drop"]),
    (renamed, ["contracts.parquet", "product_line", "product"]),
    (strangers, ["invoices", "customer_id: not in customers", "100.0%"]),
]


@pytest.mark.promise("closed")
@pytest.mark.parametrize(
    ("fault", "words"), FAULTS, ids=lambda value: getattr(value, "__name__", "")
)
def test_broken_tables_leave_the_last_publication(
    demo, published, copied, stille, fault: Callable[[Path], Sources], words: list[str]
):
    sources = fault(copied / "data" / "tables")
    config = demo.config_in(copied, copied / "data", sources=sources)
    before = tree(copied / "out")
    ended = stille("nightly", "--plain", "--config", config, "--as-of", demo.as_of)
    assert ended.code == 3, ended.err
    assert [word for word in words if word not in ended.err] == [], ended.err
    assert "Traceback" not in ended.err
    assert tree(copied / "out") == before
    (record,) = records(copied / "var", "nightly")
    assert (record["status"], record["exit_code"]) == ("failed", 3)
    assert record["error"]["kind"] == "ContractError"
    assert record["publication"] is None
    assert previous_snapshot(copied / "var" / "snapshots") is None


@pytest.mark.fault(38)
def test_an_unknown_key_names_the_nearest_one(demo, copied, stille):
    before = tree(copied / "out")
    config = demo.config_in(copied, label={"horizon_dys": 30})
    ended = stille("nightly", "--plain", "--config", config, "--as-of", demo.as_of)
    assert ended.code == 2
    assert "label.horizon_dys" in ended.err
    assert "did you mean 'horizon_days'" in ended.err
    assert "Traceback" not in ended.err
    assert tree(copied / "out") == before


@pytest.mark.parametrize("option", [["--as-of", "1.3.2024"], ["--asof", "2024-03-01"]])
def test_a_wrong_option_is_a_usage_error(demo, stille, option):
    ended = stille("nightly", "--plain", "--config", demo.config, *option)
    assert ended.code == 2
    assert option[0 if option[0] == "--asof" else 1] in ended.err


def test_an_absent_configuration_is_named(stille, tmp_path):
    ended = stille("nightly", "--plain", "--config", tmp_path / "absent.yaml")
    assert ended.code == 2
    assert f"{tmp_path / 'absent.yaml'}: cannot be read" in ended.err.replace("\n", "")


@pytest.mark.fault(27)
def test_an_unwritable_folder_is_a_publication_error(demo, copied, stille):
    before = tree(copied / "out")
    replace_bytes(copied / "blocked", b"a file where a folder should be")
    config = demo.config_in(copied)
    text = config.read_text().replace(str(copied / "out"), str(copied / "blocked"))
    config.write_text(text)
    ended = stille("nightly", "--plain", "--config", config, "--as-of", demo.as_of)
    assert ended.code == 5
    assert str(copied / "blocked") in ended.err
    assert tree(copied / "out") == before


def start(config: Path, as_of: object) -> subprocess.Popen[bytes]:
    """A night in a process of its own, whose last words are in ``said`` beside the config."""
    command = [sys.executable, "-m", "stille", "nightly", "--plain", "--config", str(config)]
    with config.with_name("said").open("wb") as said:
        return subprocess.Popen([*command, "--as-of", str(as_of)], stdout=said, stderr=said)


def kill_when(running: subprocess.Popen[bytes], struck: Callable[[], object]) -> int:
    while running.poll() is None and not struck():
        time.sleep(0.001)
    running.send_signal(signal.SIGKILL)
    return running.wait()


def changed(demo, copied: Path) -> Path:
    rewrite(copied / "data" / "tables", "reminders", "from {rows} order by reminder_id offset 1")
    return demo.config_in(copied, copied / "data")


def converged(demo, copied: Path, config: Path, published) -> dict[str, Any]:
    """Run again; exactly one publication of the changed input must stand beside the old one."""
    night = NIGHTLY.start(config, demo.as_of)
    out = copied / "out"
    assert current(out) == night.publication
    folders = {path.name for path in (out / str(demo.as_of)).iterdir()}
    assert folders == {published.publication.run_id, night.publication.run_id}
    assert list(out.glob(".[ts]*")) == []
    assert tree(out / str(demo.as_of) / published.publication.run_id) == tree(
        published.publication.folder
    )
    return records(copied / "var", "nightly")[-1]


@pytest.mark.promise("atomic")
@pytest.mark.fault(28)
@pytest.mark.slow
def test_a_killed_night_leaves_the_old_publication_and_the_next_run_finishes(
    demo, published, copied, record_property
):
    config = changed(demo, copied)
    moments = ("var/matrix/*", "out/.staging-*/*.csv")
    for moment in moments:
        code = kill_when(start(config, demo.as_of), lambda moment=moment: list(copied.glob(moment)))
        assert code == -signal.SIGKILL, (copied / "said").read_text()
        manifest = verify(copied / "out" / "current")
        assert manifest["stille"]["run_id"] == published.publication.run_id
    killed = records(copied / "var", "nightly")
    assert [record["status"] for record in killed] == ["killed", "running"]
    orphan = f"removed what run {killed[-1]['run_id']} left behind"
    record = converged(demo, copied, config, published)
    assert record["status"] == "succeeded"
    assert orphan in record["notes"]
    killed = records(copied / "var", "nightly")[1]
    assert killed["status"] == "killed"
    assert any(note.startswith(f"run {killed['run_id']}, begun at ") for note in record["notes"])
    record_property("kills of nightly", [len(moments), len(moments)])
    assert len(list((copied / "var" / "matrix").iterdir())) == 0


@pytest.mark.promise("atomic")
@pytest.mark.fault(28)
@pytest.mark.proof
def test_a_night_killed_at_any_moment_converges(
    demo, published, copied, tmp_path_factory, record_property
):
    config = changed(demo, copied)
    whole = tmp_path_factory.mktemp("whole")
    begun = time.monotonic()
    assert start(demo.config_in(whole, copied / "data"), demo.as_of).wait() == 0
    seconds = time.monotonic() - begun
    dice = random.Random(7)  # noqa: S311  (seeded, no secret)
    moments = [seconds * (number + dice.random()) / 10 for number in range(10)]
    for moment in moments:
        begun = time.monotonic()
        kill_when(
            start(config, demo.as_of),
            lambda begun=begun, moment=moment: time.monotonic() - begun > moment,
        )
        verify(copied / "out" / "current")
    record = converged(demo, copied, config, published)
    assert record["status"] == "succeeded"
    record_property("kills of nightly", [len(moments), len(moments)])
