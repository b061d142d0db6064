"""Sources in a bucket are copied as far as they changed, and read as any file."""

from collections.abc import Mapping

import pytest
from object_server import object_server

from features.errors import BusyError, ConfigError, ContractError, PublicationError
from pipelines.runtime.object_store import Bucket
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.sources.files import InputDigests, find_files

HEAD = "customer_id,joined_on\n"
PARTS = {
    "export/region=n/a.csv": f"{HEAD}1,2020-01-01\n",
    "export/region=s/a.csv": f"{HEAD}2,2021-06-01\n",
}


@pytest.fixture(scope="module")
def server():
    with object_server("tables") as started:
        yield started


@pytest.fixture
def stored(server, monkeypatch, request):
    """Write objects below the test's own prefix, or delete one; gives that prefix's URL."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    prefix, client = request.node.name, server.client()

    def store(objects: Mapping[str, str | None]) -> str:
        for key, content in objects.items():
            if content is None:
                client.delete_object(Bucket="tables", Key=f"{prefix}/{key}")
            else:
                client.put_object(Bucket="tables", Key=f"{prefix}/{key}", Body=content.encode())
        server.requests.clear()
        return f"s3://tables/{prefix}"

    return store


def read(server) -> list[str]:
    return sorted(path.split("/", 3)[3] for path in server.downloads())


def test_the_rows_of_a_bucket_are_those_of_the_same_files(server, stored, company, tmp_path):
    source = {"path": "export/*/a.csv", "dropped": {"region": "the file's folder"}}
    url = stored(PARTS)
    settings = company(
        sources={"customers": source}, paths={"data": url, "var": str(tmp_path / "v")}
    )
    snapshot = take_snapshot(settings, tmp_path / "snapshots")
    assert snapshot.tables["customers"].rows == 2
    assert [*snapshot.inputs] == [f"{url}/{key}" for key in PARTS]
    own = company(
        sources={"customers": {**source, "path": f"{url}/export/*/a.csv"}},
        paths={"data": str(tmp_path), "var": str(tmp_path / "v")},
    )
    assert [each.name for each in find_files(own, "customers")] == [*snapshot.inputs]


def test_only_what_changed_is_read_again(server, stored, company):
    url = stored(PARTS | {"export/notes.txt": "no data", "other/b.csv": "no data"})
    settings = company(sources={"customers": {"path": f"{url}/export/*/a.csv"}})
    first = find_files(settings, "customers")
    assert read(server) == [*PARTS]
    before = InputDigests(settings.paths.digests, {"customers": first})
    assert find_files(settings, "customers") == first
    assert read(server) == []
    # Of the same length, and perhaps within the same second.
    stored({"export/region=s/a.csv": f"{HEAD}3,2021-06-01\n", "export/region=n/a.csv": None})
    [left] = find_files(settings, "customers")
    assert read(server) == ["export/region=s/a.csv"]
    assert left.path.read_text() == f"{HEAD}3,2021-06-01\n"
    assert left.partition == {"region": "s"}
    with pytest.raises(BusyError, match=f"{url}/export/region=n/a.csv: changed while"):
        before.refuse_changed(first)


def test_a_damaged_or_half_copy_is_read_again(server, stored, company):
    url = stored(PARTS)
    settings = company(sources={"customers": {"path": f"{url}/export/**/*.csv"}})
    first = find_files(settings, "customers")[0]
    assert len(read(server)) == 2
    first.path.write_text("half")
    assert find_files(settings, "customers")[0].path.read_text() == PARTS["export/region=n/a.csv"]
    assert read(server) == ["export/region=n/a.csv"]


def test_an_export_that_is_being_written_is_listed_again(stored, company, monkeypatch):
    url = stored(PARTS)
    settings = company(sources={"customers": {"path": f"{url}/export/*/a.csv"}})
    download, late = Bucket.download, {"export/region=w/a.csv": f"{HEAD}4,2021-06-01\n"}

    def written_meanwhile(bucket, key, changed_ns):
        if late:
            stored(dict([late.popitem()]))
        download(bucket, key, changed_ns)

    monkeypatch.setattr(Bucket, "download", written_meanwhile)
    assert [each.partition["region"] for each in find_files(settings, "customers")] == [
        "n",
        "s",
        "w",
    ]


def test_folders_digests_and_joins_are_found(stored, company):
    url = stored(
        {
            "customers.csv": f"{HEAD}1,2020-01-01\n",
            "customers.csv.sha256": "0" * 64,
            "crm/part-1.csv": "",
            "crm/part-0.csv": "x",
            "crm/_SUCCESS": "",
            "crm": "",
            "more.csv": "id,team\n1,a\n",
        }
    )
    join = {"path": f"{url}/more.csv", "key": "id"}
    settings = company(
        sources={
            "customers": {"path": f"{url}/customers.csv", "joins": [join]},
            "contacts": {"path": f"{url}/crm/", "format": "csv"},
        }
    )
    [customers] = find_files(settings, "customers")
    assert customers.joins[0].name == f"{url}/more.csv"
    with pytest.raises(ContractError, match=f"{url}/customers.csv: its SHA-256 is not"):
        InputDigests(settings.paths.digests, {"customers": (customers,)})
    names = [each.name for each in find_files(settings, "contacts")]
    assert names == [f"{url}/crm/part-0.csv", f"{url}/crm/part-1.csv"]


def test_what_is_not_there_is_named_by_its_url(stored, company):
    url = stored({})
    settings = company(sources={"customers": {"path": f"{url}/*.csv"}})
    with pytest.raises(ContractError, match=rf"no file matches {url}/\*.csv"):
        find_files(settings, "customers")
    settings = company(sources={"customers": {"path": "s3://nowhere/*.csv"}})
    with pytest.raises(PublicationError, match="cannot list the objects of s3://nowhere: 404"):
        find_files(settings, "customers")


@pytest.mark.parametrize(
    ("paths", "problem"),
    [
        ({"data": "ftp://a/b"}, r"paths.data: found 'ftp://a/b'; a bucket is s3://"),
        ({"out": "s3://a/b?sig=c"}, "paths.out: found .*; a bucket is"),
        ({"var": "s3://a/b"}, "paths.var: found 's3://a/b'; var is a folder"),
        ({"out": "s3://id:word@a/b"}, "an address with a password does not belong"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(company, tmp_path, paths, problem):
    with pytest.raises(ConfigError, match=problem):
        company(paths={"data": str(tmp_path), **paths})


def test_without_the_extra_a_url_says_what_to_install(company, monkeypatch):
    monkeypatch.setattr("pipelines.runtime.mirrors.find_spec", lambda _: None)
    with pytest.raises(
        ConfigError, match=r"sources.customers.path: .* pip install 'stille\[cloud\]'"
    ):
        company(sources={"customers": {"path": "s3://tables/customers.csv"}})
