"""A forgotten customer is in no object of the bucket and in no copy of one."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from object_server import object_server
from stamps import STAMP

from features.errors import BusyError, PublicationError
from pipelines.config.lists import RiskList
from pipelines.config.sections import Paths
from pipelines.erasure.forget import forget
from pipelines.publication import bucket
from pipelines.publication.manifest import Field, columns
from pipelines.publication.publish import publish, publisher, staging_folder
from pipelines.publication.reader import Publication, newest_publications, verify
from pipelines.publication.writers import write_list
from pipelines.runtime.object_store import Bucket
from pipelines.sources.files import local_files

FIELDS = (
    *(field for field in columns("worklists") if field.name == "customer_id"),
    Field("said", "text", "Words."),
)
WHO = "customer-ten"


@pytest.fixture(scope="module")
def server():
    with object_server("all") as started:
        yield started


@pytest.fixture
def paths(server, tmp_path, monkeypatch, request):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    url = f"s3://all/{request.node.name}"
    return Paths(data=f"{url}/data", var=tmp_path / "var", out=f"{url}/out")


def night(out: Path, day: int) -> Publication:
    stamp = replace(STAMP, as_of=STAMP.as_of + timedelta(days=day))
    made = Publication(out, stamp.as_of, "run-1")
    frame = pd.DataFrame({"customer_id": [WHO, "other"], "said": ["a", "b"]}).astype("str")
    with publisher(out), staging_folder(made) as staging:
        publish(made, stamp, write_list(frame, FIELDS, staging, "list", RiskList(), "en"))
    return made


def below(server, paths: Paths, where: str = "out") -> dict[str, bytes]:
    prefix = paths.out.name.rpartition("%2F")[0].rpartition("%2F")[2]
    client = server.client()
    found = client.list_objects_v2(Bucket="all", Prefix=f"{prefix}/{where}").get("Contents", [])
    keys = [each["Key"] for each in found]
    return {key: client.get_object(Bucket="all", Key=key)["Body"].read() for key in keys}


def copies(paths: Paths) -> list[Path]:
    return [path for path in paths.mirrors.rglob("*") if path.is_file()]


def test_nothing_in_the_bucket_or_copied_from_it_says_the_id(server, paths):
    night(paths.out, 0), night(paths.out, 1)
    prefix = paths.out.name.rpartition("%2F")[0].rpartition("%2F")[2]
    server.client().put_object(Bucket="all", Key=f"{prefix}/data/a.csv", Body=WHO.encode())
    local_files(paths, "*.csv")
    assert any(WHO.encode() in path.read_bytes() for path in copies(paths))
    assert forget(paths, WHO).publications == 2
    assert not any(WHO.encode() in content for content in below(server, paths).values())
    assert copies(paths) == []
    made = newest_publications(paths.out)
    assert [each.run_id for each in made] == ["run-1.without-1"] * 2
    verify(made[1].folder, needed="")
    assert pd.read_parquet(made[1].folder / "list.parquet")["customer_id"].tolist() == ["other"]
    assert forget(paths, WHO).publications == 0


def test_a_killed_call_is_finished_by_the_next(server, paths, monkeypatch):
    number = 0
    while True:
        number += 1
        out = paths.out.with_name(f"{paths.out.name}%2F{number}")
        night(out, 0)
        with monkeypatch.context() as killed:
            left = [number]

            def struck(change, left=left):
                def call(*arguments):
                    left[0] -= 1
                    return sys.exit() if left[0] == 0 else change(*arguments)

                return call

            killed.setattr(Bucket, "put", struck(Bucket.put))
            killed.setattr(Bucket, "delete", struck(Bucket.delete))
            try:
                forget(paths.model_copy(update={"out": out}), WHO)
                break
            except SystemExit:
                pass
        [seen] = newest_publications(out)
        verify(seen.folder, needed="")
        monkeypatch.setattr(bucket, "_UPLOAD", timedelta(0))
        forget(paths.model_copy(update={"out": out}), WHO)
        stored = below(server, paths, f"out/{number}/")
        assert not any(WHO.encode() in content for content in stored.values()), number
        assert f"{seen.as_of}/run-1/" not in "".join(stored)
    assert number > 6


def test_an_upload_that_may_go_on_is_waited_for(server, paths):
    made = night(paths.out, 0)
    prefix = paths.out.name.rpartition("%2F")[0].rpartition("%2F")[2]
    key = f"{prefix}/out/{made.as_of}/half/list.csv"
    server.client().put_object(Bucket="all", Key=key, Body=WHO.encode())
    before = below(server, paths)
    with pytest.raises(BusyError, match=r"half is publishing to s3://all/.*/out, or died"):
        forget(paths, WHO)
    assert below(server, paths) == before


def test_who_may_not_write_changes_nothing(server, paths, monkeypatch):
    night(paths.out, 0)
    before = below(server, paths)
    monkeypatch.setattr(Bucket, "put", lambda *_: False)
    with pytest.raises(PublicationError, match=r"another run has written .*without-1/list"):
        forget(paths, WHO)
    assert below(server, paths) == before
