"""What ``deploy/backup.sh`` backs up, in an empty folder: the next night goes on from there."""

import os
import subprocess
import sys
import tarfile
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from trees import records, tree

from pipelines.jobs.entry import NIGHTLY

AGAIN = {"var/typed", "var/matrices", "var/spill", "var/digests.json"}


@pytest.fixture
def archive(demo, published, root, tmp_path):
    path = tmp_path / "backup.tar.gz"
    environment = {**os.environ, "PYTHON": sys.executable}
    subprocess.run([root / "deploy" / "backup.sh", demo.folder, path], check=True, env=environment)
    return path


@pytest.mark.slow
def test_a_company_goes_on_from_its_backup(archive, demo, published, tmp_path):
    """Under the same path: the rest of the suite gets its folder back."""
    aside, before = demo.folder.with_name("aside"), tree(demo.out)
    demo.folder.rename(aside)
    try:
        demo.folder.mkdir()
        subprocess.run(["tar", "-xzpf", archive, "-C", demo.folder], check=True)
        for name in ("config.yaml", "data"):
            (demo.folder / name).symlink_to(aside / name)
        assert {name for name in AGAIN if (demo.folder / name).exists()} == set()
        assert tree(demo.out) == before
        key = demo.var / "holdout.key"
        assert (key.stat().st_mode & 0o777, key.read_bytes()) == (
            0o600,
            (aside / "var" / "holdout.key").read_bytes(),
        )
        again = NIGHTLY.start(demo.config, demo.as_of)
        assert (again.publication, again.written) == (published.publication, False)
        following = NIGHTLY.start(demo.config, demo.as_of + timedelta(days=1))
        assert following.written
        assert not records(demo.var, "nightly")[-1]["degraded"]
        assert (following.publication.folder / "changes.csv").stat().st_size > 0
    finally:
        subprocess.run(["rm", "-rf", demo.folder], check=True)
        aside.rename(demo.folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read in another user's name")
def test_root_backs_up_what_the_folders_user_may_read(root, tmp_path):
    with tempfile.TemporaryDirectory() as place:
        company, secret = Path(place, "acme"), tmp_path / "secret"
        Path(place).chmod(0o755)
        secret.touch(0o600)
        for name in ("out", "var/preview"):
            (company / name).mkdir(parents=True)
            (company / name / "list.csv").touch()
        (company / "out" / "link.csv").symlink_to(secret)
        subprocess.run(["chown", "-R", "--no-dereference", "1234:1234", company], check=True)
        command = [root / "deploy" / "backup.sh", company, tmp_path / "one.tar.gz"]
        subprocess.run(command, check=True)
        with tarfile.open(command[-1]) as found:
            assert {"./out/list.csv", "./out/link.csv"} <= {*found.getnames()}
            assert not any("preview" in name for name in found.getnames())
        (company / "out" / ".lock").unlink()
        (company / "out" / ".lock").symlink_to(secret)
        ended = subprocess.run([*command[:-1], tmp_path / "two.tar.gz"], check=False)
        assert (ended.returncode, secret.stat().st_uid) == (1, 0)
        assert [path.name for path in tmp_path.glob("two*")] == []
