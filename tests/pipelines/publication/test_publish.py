"""Publication is atomic, repeatable and has one publisher, whatever dies or fails when."""

import json
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from features.errors import BusyError, ConfigError, PublicationError
from pipelines.publication.manifest import Field, Stamp
from pipelines.publication.publish import (
    publish,
    publisher,
    refuse_older,
    republish,
    staging_folder,
)
from pipelines.publication.reader import Publication, current, verify
from pipelines.runtime.atomic_files import digest

WORKER = Path(__file__).parents[2] / "helpers" / "publishing.py"
DAY = date(2024, 5, 2)
SCHEMAS = {"risk_list.csv": (Field("customer_id", "text", "Key.", required=True),)}


def stamp(run_id: str = "run-1", as_of: date = DAY, **different: str) -> Stamp:
    digests = {"inputs_digest": "sha256:i", "config_digest": "sha256:c", "model_digest": "sha256:m"}
    return Stamp(
        as_of=as_of,
        run_id=run_id,
        created=datetime(2024, 5, 2, 3, 0, tzinfo=UTC),
        model_version="churn/3",
        horizon_days=90,
        thresholds={"medium": 0.05, "high": 0.1, "very_high": 0.3},
        **(digests | different),
    )


def night(out: Path, made: Stamp, *, backfill: bool = False, text: str = "a") -> Publication:
    publication = Publication(out, made.as_of, made.run_id)
    with publisher(out), staging_folder(publication) as folder:
        (folder / "risk_list.csv").write_text(f"customer_id\n{text}\n")
        (folder / "risk_list.parquet").write_bytes(b"PAR1")
        publish(publication, made, SCHEMAS, backfill=backfill)
    return publication


def worker(*arguments: str) -> object:
    command = [sys.executable, "-W", "error", str(WORKER), *arguments]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)


@pytest.mark.promise("atomic")
@pytest.mark.fault(27, 28)
@pytest.mark.parametrize(("how", "code"), [("kill", -9), ("fail", 5)])
def test_every_disk_call_may_be_the_last(how: str, code: int, tmp_path: Path, record_property):
    results = worker("sweep", how, str(tmp_path))
    assert len(results) > 20, "the sweep must reach every call of a publication"
    assert {result["code"] for result in results} == {code}
    assert {result["read"] for result in results} == {"old", "new"}
    assert all(result["rerun"] == 0 for result in results)
    assert all(result["then"] in ("new", "again") for result in results)
    assert all(result["published"] == 1 and result["left"] == [] for result in results)
    what = {"kill": "kills of a publication", "fail": "disks that fail: full"}[how]
    record_property(what, [len(results), len(results)])
    if how == "fail":
        assert all(result["staging"] == 0 for result in results)


@pytest.mark.promise("one_publisher")
@pytest.mark.fault(30)
def test_of_eight_publishers_at_once_one_publishes(tmp_path: Path, record_property):
    result = worker("race", str(tmp_path))
    assert sorted(result["codes"]) == [0] + [75] * 7
    record_property("publishers at once", [8, 8])
    assert result["published"] == 1


@pytest.mark.promise("one_publisher")
def test_the_lock_of_a_killed_holder_is_free_at_once(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, str(WORKER), "hold", str(tmp_path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match="another run is publishing"), publisher(tmp_path):
            pass
        holder.kill()
        holder.wait()
        started = time.monotonic()
        with publisher(tmp_path):
            assert time.monotonic() - started < 1


@pytest.mark.promise("atomic")
def test_a_reader_never_sees_a_torn_publication(tmp_path: Path):
    night(tmp_path, stamp("run-0"))
    seen: set[str] = set()
    faults: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                folder = (tmp_path / "current").resolve(strict=True)
                seen.add(str(verify(folder)["stille"]["run_id"]))
                pointer = json.loads((tmp_path / "current.json").read_bytes())
                assert digest(tmp_path / pointer["datapackage"]) == pointer["hash"]
            except (PublicationError, OSError, ValueError, AssertionError) as error:
                faults.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 16):
            night(tmp_path, stamp(f"run-{number}", inputs_digest=f"sha256:{number}"))
    finally:
        done.set()
        reader.join()
    assert faults == []
    assert len(seen) > 1


def test_the_manifest_lists_every_file_with_its_digest_and_fields(tmp_path: Path):
    publication = night(tmp_path, stamp())
    manifest = verify(tmp_path / "current")
    csv, parquet = manifest["resources"]
    assert (csv["path"], csv["bytes"], csv["hash"]) == (
        "risk_list.csv",
        14,
        digest(publication.folder / "risk_list.csv"),
    )
    assert csv["schema"]["fields"] == [
        {
            "name": "customer_id",
            "type": "string",
            "description": "Key.",
            "constraints": {"required": True},
        }
    ]
    assert (parquet["path"], "schema" in parquet) == ("risk_list.parquet", False)
    assert manifest["stille"] == {
        "as_of_date": "2024-05-02",
        "inputs_digest": "sha256:i",
        "config_digest": "sha256:c",
        "model_digest": "sha256:m",
        "holdout_key": "",
        "effect_digest": "",
        "permissions_read": True,
        "run_id": "run-1",
        "model_version": "churn/3",
        "horizon_days": 90,
        "degraded": False,
        "thresholds": {"medium": 0.05, "high": 0.1, "very_high": 0.3},
    }
    assert (tmp_path / "current").readlink() == Path("2024-05-02/run-1")


@pytest.mark.promise("idempotent")
def test_the_same_night_again_is_a_no_op(tmp_path: Path):
    first = night(tmp_path, stamp())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with publisher(tmp_path):
        assert republish(tmp_path, stamp("run-2")) == first
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    after.pop(tmp_path / ".lock")
    before.pop(tmp_path / ".lock")
    assert after == before


@pytest.mark.parametrize(
    "different", ["inputs_digest", "config_digest", "model_digest", "effect_digest"]
)
def test_another_identity_is_another_publication(tmp_path: Path, different: str):
    night(tmp_path, stamp())
    assert republish(tmp_path, stamp("run-2", **{different: "sha256:other"})) is None


@pytest.mark.promise("stores")
def test_a_damaged_publication_does_not_count(tmp_path: Path):
    publication = night(tmp_path, stamp())
    (publication.folder / "risk_list.csv").write_text("customer_id\nb\n")
    with pytest.raises(PublicationError, match=r"differs from its manifest: risk_list\.csv"):
        verify(publication.folder)
    assert republish(tmp_path, stamp()) is None
    (publication.folder / "datapackage.json").write_text("{")
    with pytest.raises(PublicationError, match=r"datapackage\.json is damaged"):
        verify(publication.folder)


@pytest.mark.promise("stores")
def test_a_file_that_the_manifest_does_not_know_is_found(tmp_path: Path):
    publication = night(tmp_path, stamp())
    (publication.folder / "more.csv").write_text("x")
    with pytest.raises(PublicationError, match=r"more\.csv"):
        verify(publication.folder)


@pytest.mark.fault(18, 30)
def test_an_older_date_is_refused_but_for_a_backfill(tmp_path: Path):
    newest = night(tmp_path, stamp())
    older = stamp("run-2", date(2024, 5, 1))
    with pytest.raises(ConfigError, match="--backfill"):
        night(tmp_path, older)
    with pytest.raises(ConfigError, match="--backfill"):
        refuse_older(tmp_path, older.as_of, backfill=False)
    assert list(tmp_path.glob(".staging-*")) == []
    backfilled = night(tmp_path, older, backfill=True)
    assert verify(backfilled.folder)["stille"]["run_id"] == "run-2"
    assert current(tmp_path) == newest


@pytest.mark.fault(28)
def test_what_a_dead_run_left_is_removed_and_reported(tmp_path: Path):
    dead = "nightly-20240501T030000Z-a1b2c3"
    (tmp_path / f".staging-{dead}").mkdir(parents=True)
    (tmp_path / f".staging-{dead}" / "risk_list.csv").write_text("half")
    with publisher(tmp_path) as notes:
        assert notes == (f"removed what run {dead} left behind",)
    with publisher(tmp_path) as notes:
        assert notes == ()


@pytest.mark.parametrize("run_id", ["", "../up", "a/b", ".hidden", "a" * 101])
def test_a_run_id_cannot_leave_the_folder(tmp_path: Path, run_id: str):
    with pytest.raises(ConfigError, match="cannot name a folder"):
        Publication(tmp_path, DAY, run_id)


def test_one_run_id_publishes_once(tmp_path: Path):
    night(tmp_path, stamp())
    with pytest.raises(PublicationError, match="its own run id"):
        night(tmp_path, stamp(), text="b")
    assert (tmp_path / "current" / "risk_list.csv").read_text() == "customer_id\na\n"


def test_a_pointer_made_by_somebody_else_is_not_replaced(tmp_path: Path):
    (tmp_path / "current").mkdir()
    with pytest.raises(PublicationError, match="not made by a publication"):
        night(tmp_path, stamp())
