"""What a release of the day before kept, trained and published is there for this one."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest
from commands import BEFORE, TODAY, configured

from pipelines.publication.reader import current, newest_of, verify

ROOT = Path(__file__).parents[3]


def git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""


@pytest.fixture
def release(tmp_path):
    """The files of the last commit that is a day older than the newest."""
    newest = git("log", "-1", "--format=%ct").strip()
    found = git("rev-list", "-1", f"--before={int(newest or 0) - 86_400}", "HEAD").decode().strip()
    if not found:
        pytest.skip("the repository has no history of a day")
    folder = tmp_path / "release"
    folder.mkdir()
    archive = git("archive", found, "features", "models", "pipelines", "configs")
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    return folder


def run(code: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    names = ("stille", "pipelines", "pipelines.cli")
    module = next(n for n in names if (code / n.replace(".", "/") / "__main__.py").exists())
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=code,
        env=os.environ | {"PYTHONPATH": str(code)},
        check=False,
    )


@pytest.mark.proof
@pytest.mark.promise("upgrade")
def test_this_release_goes_on_where_an_older_one_was(release, small_company, tmp_path):
    company = tmp_path / "company"
    copytree(small_company / "data", company / "data")
    config = configured(company, release)
    for arguments in (
        ("train", "--plain", "--config", config, "--as-of", BEFORE),
        ("promote", "1", "--reason", "a test", "--config", config),
        ("nightly", "--plain", "--config", config, "--as-of", "2023-06-01"),
    ):
        done = run(release, *arguments)
        assert done.returncode == 0, done.stderr
    before = current(company / "out")
    assert before is not None
    config = configured(company)
    night = ("nightly", "--plain", "--config", config, "--as-of", TODAY)
    done = run(ROOT, *night)
    assert done.returncode in (0, 3, 4), done.stderr
    if done.returncode:
        assert "stille train" in done.stderr
        assert current(company / "out") == before
        train = run(ROOT, "train", "--plain", "--config", config, "--as-of", BEFORE)
        assert train.returncode == 0, train.stderr
        promoted = run(ROOT, "promote", "--reason", "a test", "--config", config)
        assert promoted.returncode == 0, promoted.stderr
        done = run(ROOT, *night)
        assert done.returncode == 0, done.stderr
    assert current(company / "out").as_of == TODAY
    assert newest_of(company / "out", before.as_of) == before
    verify(company / "out" / "current")
    for command in ("monitor", "effect", "check", "doctor"):
        more = [] if command == "doctor" else ["--as-of", TODAY]
        done = run(ROOT, command, "--config", config, *more)
        assert done.returncode in (0, 6), done.stderr
        assert "Traceback" not in done.stderr
