"""A run's matrix folder is its own while it lives, and is removed when it is dead."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.matrices.files import scratch

OWNER = """
import sys
from pathlib import Path
from pipelines.matrices.files import scratch
with scratch(Path(sys.argv[1]), "nightly-other") as folder:
    (folder / "part").touch()
    print("made", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns ``matrix/nightly-other`` until its input ends or it is killed."""
    command = [sys.executable, "-W", "error", "-c", OWNER, str(tmp_path / "matrix")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "made\n"
        yield running
        running.kill()


@pytest.mark.fault(28)
def test_a_living_owner_keeps_its_folder_beside_another_and_a_killed_one_does_not(tmp_path, other):
    theirs = tmp_path / "matrix" / "nightly-other"
    theirs.with_name("killed-at-once").mkdir()
    with scratch(tmp_path / "matrix", "nightly-mine") as mine:
        (mine / "part").touch()
        assert theirs.is_dir()
        other.send_signal(signal.SIGKILL)
        other.wait()
        with scratch(tmp_path / "matrix", "train-later"):
            assert not theirs.exists()
            assert mine.is_dir()
    assert list((tmp_path / "matrix").iterdir()) == []


def test_an_owner_that_ends_well_leaves_nothing(tmp_path, other):
    other.communicate("")
    assert other.returncode == 0
    assert list((tmp_path / "matrix").iterdir()) == []


def test_the_folder_is_gone_after_an_error(tmp_path):
    def fail() -> None:
        with scratch(tmp_path / "matrix", "nightly-mine") as mine:
            (mine / "part").touch()
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()
    assert list((tmp_path / "matrix").iterdir()) == []
