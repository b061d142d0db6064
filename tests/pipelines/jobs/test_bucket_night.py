"""A night whose tables and lists are in a bucket is the night of the same files on a disk."""

from datetime import timedelta
from io import BytesIO

import pandas as pd
import pytest
from object_server import SECRET, object_server

URL = "s3://company"


@pytest.fixture
def server(monkeypatch):
    with object_server("company") as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def published_rows(client, day, name: str) -> pd.DataFrame:
    """Rows of the one object of the day's publication with this name."""
    objects = client.list_objects_v2(Bucket="company", Prefix=f"out/{day}/")["Contents"]
    [key] = [each["Key"] for each in objects if each["Key"].endswith(f"/{name}.parquet")]
    return pd.read_parquet(BytesIO(client.get_object(Bucket="company", Key=key)["Body"].read()))


def test_a_night_in_a_bucket(demo, published, server, stille, tmp_path):
    client, machines = server.client(), [tmp_path / name for name in ("here", "there")]
    for path in (demo.data / "tables").iterdir():
        client.upload_file(str(path), "company", f"data/tables/{path.name}")
    words = {"languages": demo.document["list"]["languages"][:1]}
    configs = []
    for folder in machines:
        folder.mkdir()
        paths = {"data": f"{URL}/data", "out": f"{URL}/out"}
        configs.append(demo.config_in(folder, paths=paths, list=words))
    (here, there), tomorrow = configs, demo.as_of + timedelta(days=1)

    ended = [stille("nightly", "--plain", "--config", here, "--as-of", demo.as_of)]
    assert f"Published: {URL}/out/{demo.as_of}/nightly-" in ended[0].out, ended[0].err
    listed = published_rows(client, demo.as_of, "risk_list")
    same = pd.read_parquet(published.publication.folder / "risk_list.parquet")
    pd.testing.assert_frame_equal(listed.drop(columns="run_id"), same.drop(columns="run_id"))

    # Another machine finds it, explains it, and goes on from it.
    ended.append(stille("nightly", "--plain", "--config", there, "--as-of", demo.as_of))
    assert "Published already, nothing to do" in ended[1].out, ended[1].err
    ended.append(stille("explain", listed["customer_id"][0], "--config", there))
    assert ended[2].code == 0, ended[2].err
    ended.append(stille("doctor", "--config", there))
    assert "the call lists of 1 published nights" in ended[3].out
    ended.append(stille("nightly", "--plain", "--config", there, "--as-of", tomorrow))
    assert ended[4].code == 0, ended[4].err
    changes = published_rows(client, tomorrow, "changes")
    assert set(changes["before_date"]) == {demo.as_of}

    assert SECRET not in "".join(each.out + each.err for each in ended)
    files = [path for folder in machines for path in folder.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in path.read_bytes() for path in files)
