"""Publications in a bucket: whole or not there, whoever dies or races, and read from anywhere."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from object_server import object_server
from stamps import STAMP

from features.errors import ConfigError, PublicationError
from pipelines.publication.manifest import Stamp
from pipelines.publication.publish import (
    place,
    point,
    publish,
    publisher,
    republish,
    staging_folder,
)
from pipelines.publication.reader import (
    Publication,
    current,
    days_of,
    newest_of,
    newest_publications,
    verify,
)
from pipelines.runtime.mirrors import mirror_folder
from pipelines.runtime.object_store import Bucket

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
WORKER = Path(__file__).parents[2] / "helpers" / "bucket_publishing.py"


@pytest.fixture(scope="module")
def server():
    with object_server("lists") as started:
        yield started


@pytest.fixture
def url(server, monkeypatch, request):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://lists/{request.node.name}"


@pytest.fixture
def out(url, tmp_path):
    return mirror_folder(url, tmp_path / "here")


@pytest.fixture
def elsewhere(url, tmp_path):
    """The mirror of another machine."""
    return mirror_folder(url, tmp_path / "there")


def night(out: Path, made: Stamp, text: str = "a", **options: bool) -> Publication:
    publication = Publication(out, made.as_of, made.run_id)
    with publisher(out), staging_folder(publication) as folder:
        (folder / "risk_list.csv").write_text(f"customer_id\n{text}\n")
        (folder / "risk_list.parquet").write_bytes(b"PAR1")
        publish(publication, made, {}, **options)
    return publication


def worker(server, how: str, url: str, folder: Path) -> object:
    command = [sys.executable, "-W", "error", str(WORKER), how, url, str(folder)]
    environment = {**os.environ, **server.environment}
    ended = subprocess.run(command, capture_output=True, check=True, timeout=120, env=environment)
    return json.loads(ended.stdout)


@pytest.mark.promise("atomic")
def test_every_call_may_be_the_last(server, url, tmp_path):
    results = worker(server, "sweep", url, tmp_path)
    assert len(results) > 20, "the sweep must reach every call of a publication"
    assert {result["code"] for result in results} == {-9}
    assert {result["seen"]["read"] for result in results} == {"old", "new"}
    assert {len(result["seen"]["half"]) for result in results} == {0, 1}
    assert all(result["rerun"] == 0 for result in results)
    assert all(result["then"]["read"] in ("new", "again") for result in results)
    assert all(len(result["then"]["whole"]) == 2 for result in results)
    assert all(result["then"]["half"] == [] for result in results)
    assert all(result["cleared"] == result["seen"]["half"] for result in results)


@pytest.mark.promise("one_publisher")
@pytest.mark.fault(30)
def test_of_eight_publishers_at_once_the_newest_day_is_read(server, url, tmp_path):
    result = worker(server, "race", url, tmp_path)
    # Who comes to a newer day is refused; nobody is turned away for another reason.
    assert set(result["codes"]) <= {0, ConfigError.exit_code}
    assert result["codes"][:2] == [0, 0]
    assert result["seen"]["read"] in ("run0", "run1")
    assert result["seen"]["half"] == []


def test_another_machine_reads_what_it_needs(server, out, elsewhere):
    night(out, STAMP)
    server.downloads()
    made = current(elsewhere)
    assert made == Publication(elsewhere, STAMP.as_of, STAMP.run_id)
    assert verify(made.folder)["stille"]["run_id"] == STAMP.run_id
    read = [path.rpartition("/")[2] for path in server.downloads()]
    assert read == ["current.json", "datapackage.json", "risk_list.parquet"]
    assert days_of(elsewhere) == {STAMP.as_of}
    assert newest_publications(elsewhere) == (made,)
    assert server.downloads() == [], "what is here is not read again"
    verify(made.folder, needed="")
    assert (made.folder / "risk_list.csv").read_text() == "customer_id\na\n"


def test_the_same_night_on_another_machine_is_a_no_op(server, out, elsewhere):
    night(out, STAMP)
    server.requests.clear()
    with publisher(elsewhere):
        assert republish(elsewhere, replace(STAMP, run_id="run-2")) is not None
        assert republish(elsewhere, replace(STAMP, inputs_digest="sha256:other")) is None
    assert {method for method, _ in server.requests} == {"GET"}


def test_an_older_date_is_refused_but_for_a_backfill(out, elsewhere, url):
    newest = night(out, STAMP)
    older = replace(STAMP, as_of=STAMP.as_of - timedelta(days=1), run_id="run-2")
    with pytest.raises(ConfigError, match=rf"{url}. Add --backfill"):
        night(elsewhere, older)
    night(elsewhere, older, backfill=True)
    assert current(out) == newest
    assert newest_of(out, older.as_of).run_id == "run-2"


def test_who_loses_the_swap_looks_again(out, elsewhere, monkeypatch):
    night(out, STAMP)
    older = night(out, replace(STAMP, as_of=date(2024, 5, 1), run_id="older"), backfill=True)
    tomorrow = replace(STAMP, as_of=date(2024, 5, 3), run_id="newest")
    put, calls = Bucket.put, []

    def beaten(bucket, key, content, mode="overwrite"):
        if key == "current.json" and not calls:
            calls.append(mode)
            night(elsewhere, tomorrow)
        return put(bucket, key, content, mode)

    monkeypatch.setattr(Bucket, "put", beaten)
    point(Publication(out, STAMP.as_of, STAMP.run_id))
    assert calls == [], "the pointer says so already"
    point(older)
    night(out, replace(STAMP, run_id="run-2"))
    assert len(calls) == 1
    assert current(out).run_id == "newest"


def test_what_is_gone_from_the_bucket_or_was_never_there_does_not_count(server, out, url):
    made = night(out, STAMP)
    stray = Publication(out, STAMP.as_of, "stray")
    stray.folder.mkdir()
    (stray.folder / "datapackage.json").write_bytes((made.folder / "datapackage.json").read_bytes())
    assert newest_of(out, STAMP.as_of) == made
    assert not stray.folder.exists()
    prefix = url.removeprefix("s3://lists/")
    [*_, listed] = [
        each["Key"]
        for each in server.client().list_objects_v2(Bucket="lists", Prefix=prefix)["Contents"]
        if each["Key"].endswith("datapackage.json")
    ]
    server.client().delete_object(Bucket="lists", Key=listed)
    assert newest_of(out, STAMP.as_of) is None


def test_a_run_id_writes_once(out, elsewhere):
    staged = Publication(elsewhere, STAMP.as_of, STAMP.run_id)
    with publisher(elsewhere), staging_folder(staged) as folder:
        (folder / "risk_list.csv").write_text("customer_id\nb\n")
        night(out, STAMP)
        with pytest.raises(
            PublicationError, match=r"another run has written .*/run-1/risk_list\.csv"
        ):
            place(staged)
    verify(newest_of(elsewhere, STAMP.as_of).folder, needed="")


@pytest.mark.parametrize(
    ("environment", "url", "reason"),
    [
        ({}, "s3://nowhere/x", "404 Not Found, NoSuchBucket"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "s3://lists/x", "error sending request"),
        ({"AWS_ACCESS_KEY_ID": None}, "s3://lists/x", "Missing AccessKeyId"),
        (dict.fromkeys(KEYS), "s3://lists/x", "error sending request"),
    ],
)
def test_what_storage_refuses_is_said(server, monkeypatch, tmp_path, environment, url, reason):
    # Who has no key asks the machine for one.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    for name, value in (server.environment | environment).items():
        monkeypatch.setenv(name, value or "")
        if value is None:
            monkeypatch.delenv(name)
    out = mirror_folder(url, tmp_path)
    with pytest.raises(PublicationError, match=rf"cannot .* {url}: .*{reason}.*AWS_") as raised:
        night(out, STAMP)
    assert server.environment["AWS_SECRET_ACCESS_KEY"] not in str(raised.value)
    with pytest.raises(PublicationError, match=reason):
        current(out)
