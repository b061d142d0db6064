"""One company has ``var`` and ``out``, nobody else reads them, and its keys are made once."""

import grp
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from features.errors import ConfigError
from pipelines.config.run import open_run
from pipelines.config.settings import load_settings
from pipelines.publication.manifest import Stamp
from pipelines.publication.publish import publish, publisher, staging_folder
from pipelines.publication.reader import Publication
from pipelines.runtime.secret_keys import HOLDOUT, key_of

DAY = date(2024, 5, 2)
FIRST_RUN = """
import sys
from pathlib import Path
from pipelines.runtime.secret_keys import HOLDOUT, PSEUDONYM, key_of
sys.stdin.read(1)
for number in range(int(sys.argv[2])):
    var = Path(sys.argv[1]) / str(number)
    print(key_of(HOLDOUT, var).hex(), key_of(PSEUDONYM, var).hex())
"""


def configured(folder: Path, name: str = "Nord", model: str = "churn", **paths: str) -> Path:
    document = {
        "company": {"name": name, "timezone": "UTC", "currency": "NOK", "language": "nb"},
        "paths": {
            "data": str(folder / "data"),
            "var": str(folder / "var"),
            "out": str(folder / "out"),
            **paths,
        },
        "sources": {"customers": {"path": "customers.csv"}},
        "training": {"first_as_of": date(2023, 1, 1)},
        "tracking": {"model": model},
    }
    path = folder / f"{name}-{model}.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def run(config: Path) -> None:
    with open_run("check", config, DAY):
        pass


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    ("other", "paths"),
    [
        ({"name": "Sør"}, {}),
        ({"model": "broadband"}, {}),
        ({"name": "Sør"}, {"var": "elsewhere"}),
        ({"name": "Sør"}, {"out": "elsewhere"}),
    ],
)
def test_another_company_in_the_same_folders_is_refused_before_it_reads(
    tmp_path: Path, other: dict[str, str], paths: dict[str, str]
):
    run(configured(tmp_path))
    own = {key: str(tmp_path / value) for key, value in paths.items()}
    config = configured(tmp_path, **other, **own)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for attempt in (load_settings, run):
        with pytest.raises(ConfigError) as caught:
            attempt(config)
        assert all(word in str(caught.value) for word in ("Nord", "churn", *other.values()))
        assert "Give each its own paths.var and paths.out" in str(caught.value)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_company_keeps_its_folders_whatever_else_it_changes(tmp_path: Path):
    run(configured(tmp_path))
    (tmp_path / "other").mkdir()
    same = {"var": str(tmp_path / "var"), "out": str(tmp_path / "out"), "data": "elsewhere"}
    run(configured(tmp_path / "other", **same))
    (tmp_path / "var" / ".company.json").unlink()
    (tmp_path / "out" / ".company.json").unlink()
    run(configured(tmp_path, name="Nord Kraft"))


def modes(folder: Path) -> set[tuple[str, int]]:
    found = [folder, *(each for each in folder.rglob("*") if not each.is_symlink())]
    return {("folder" if p.is_dir() else "file", p.stat().st_mode & 0o7777) for p in found}


def night(config: Path) -> Path:
    previous = os.umask(0o022)
    try:
        with open_run("nightly", config, DAY) as started:
            paths = started.settings.paths
            key_of(HOLDOUT, paths.var)
            publication = Publication(paths.out, DAY, "run-1")
            with publisher(paths.out), staging_folder(publication) as folder:
                (folder / "pages").mkdir()
                (folder / "pages" / "a.html").write_text("a")
                (folder / "risk_list.csv").write_text("customer_id\na\n")
                stamp = Stamp(
                    DAY, "run-1", datetime(2024, 5, 2, tzinfo=UTC), "i", "c", "m/1", "m", 90, {}
                )
                publish(publication, stamp, {})
    finally:
        os.umask(previous)
    return paths.out


@pytest.mark.fault(55)
def test_folders_and_files_are_for_the_user_alone(tmp_path: Path):
    night(configured(tmp_path))
    assert modes(tmp_path / "var") == {("folder", 0o700), ("file", 0o600)}
    assert modes(tmp_path / "out") == {("folder", 0o700), ("file", 0o600)}


def test_a_group_of_the_configuration_reads_what_is_published(tmp_path: Path):
    group = grp.getgrgid(os.getgid()).gr_name
    deep = str(tmp_path / "for" / "the" / "team")
    out = night(configured(tmp_path, group=group, out=deep))
    assert modes(tmp_path / "for") >= {("folder", 0o2750), ("file", 0o640)}
    published = modes(out / str(DAY))
    assert published == {("folder", 0o2750), ("file", 0o640)}
    assert (out / "current.json").stat().st_mode & 0o777 == 0o640
    assert modes(tmp_path / "var") == {("folder", 0o700), ("file", 0o600)}


def test_a_group_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"paths\.group: .* 'no-such-group'"):
        run(configured(tmp_path, group="no-such-group"))


def test_a_key_that_others_could_read_is_closed(tmp_path: Path):
    (tmp_path / "holdout.key").write_text("k" * 64)
    (tmp_path / "holdout.key").chmod(0o644)
    key_of(HOLDOUT, tmp_path)
    assert (tmp_path / "holdout.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.fault(54)
def test_of_many_first_runs_at_once_all_have_one_key(tmp_path: Path):
    rounds = 100
    command = [sys.executable, "-c", FIRST_RUN, str(tmp_path), str(rounds)]
    runs = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [each.communicate("x", timeout=60)[0].split("\n") for each in _at_once(runs)]
    assert len(said[0]) == rounds + 1
    assert said.count(said[0]) == len(said)
    assert len(set(said[0])) == rounds + 1
    assert not list(tmp_path.rglob(".tmp-*"))


def _at_once(runs: list["subprocess.Popen[str]"]) -> list["subprocess.Popen[str]"]:
    for each in runs:
        assert each.stdin is not None
        each.stdin.write("x")
        each.stdin.flush()
    return runs


def test_root_makes_nothing_in_another_users_folder(tmp_path, monkeypatch):
    config = configured(tmp_path)
    run(config)
    # As root, in folders of whoever runs this test, or of one who is not root.
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (user := os.getuid()) or os.chown(tmp_path / "var", user := 1234, -1)
    before = [(path, path.stat().st_uid) for path in sorted(tmp_path.rglob("*"))]
    for attempt in (load_settings, run):
        with pytest.raises(ConfigError, match=rf"var is the user {user}'s, .* Run the same comm"):
            attempt(config)
    assert [(path, path.stat().st_uid) for path in sorted(tmp_path.rglob("*"))] == before
