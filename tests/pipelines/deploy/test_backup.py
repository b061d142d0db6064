"""What ``deploy/backup.sh`` backs up, in an empty folder: the next night goes on from there."""

import os
import subprocess
import sys
from datetime import timedelta

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
