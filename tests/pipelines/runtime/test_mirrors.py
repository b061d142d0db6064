"""Folders that are named after a bucket's URL, and what is imported without one."""

import subprocess
import sys
from pathlib import Path

from pipelines.runtime.mirrors import mirror_folder, name_of


def test_a_path_below_a_mirror_says_its_object(tmp_path: Path):
    folder = mirror_folder("s3://lists/a b/", tmp_path)
    assert name_of(folder / "2024-05-02" / "x.csv") == "s3://lists/a b/2024-05-02/x.csv"
    assert name_of(folder) == "s3://lists/a b"
    assert name_of(tmp_path / "x.csv") == (tmp_path / "x.csv").as_posix()


def test_obstore_is_not_imported_where_nothing_is_in_a_bucket(root: Path):
    modules = "pipelines.erasure.forget, pipelines.sources.files"
    code = f"import sys, {modules}; sys.exit('obstore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
