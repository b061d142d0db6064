"""What would stop a night is said before anything that takes seconds is imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[3]
HEAVY = {"prefect", "mlflow", "lightgbm", "sklearn"}
CHILD = """
import sys
from pipelines.cli.app import main
try:
    main()
except SystemExit as ended:
    code = ended.code
print(code, *sorted(set({heavy}) & set(sys.modules)), flush=True)
"""


def refused(*arguments):
    """Exit code, heavy modules imported here or by a process of Prefect's, and what was said."""
    home = Path(arguments[-1]).parent / "prefect"
    ended = subprocess.run(
        [sys.executable, "-c", CHILD.format(heavy=HEAVY), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_HOME": str(home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    code, *modules = ended.stdout.splitlines()[-1].split()
    return int(code), modules + ["prefect"] * home.exists(), ended.stderr


def out_in(tmp_path, **paths):
    given = {name: str(tmp_path / name) for name in ("data", "var", "out")}
    return given | {name: str(path) for name, path in paths.items()}


def test_a_night_without_a_champion(company, tmp_path):
    company(paths=out_in(tmp_path))
    code, modules, said = refused("nightly", "--config", tmp_path / "config.yaml")
    assert (code, modules) == (4, [])
    assert "carries the alias champion" in said
    assert "Train one: stille train --config" in said
    assert not (tmp_path / "var" / "mlflow.db").exists()


def test_a_night_while_another_publishes(company, tmp_path):
    company(paths=out_in(tmp_path))
    (tmp_path / "out").mkdir()
    (tmp_path / "var" / "champion").mkdir(parents=True)
    (tmp_path / "var" / "champion" / "champion.json").write_text("{}")
    with FileLock(tmp_path / "out" / ".lock"):
        code, modules, said = refused("nightly", "--config", tmp_path / "config.yaml")
    assert (code, modules) == (75, [])
    assert "another run is publishing" in said


@pytest.mark.parametrize("command", ["train", "nightly", "monitor"])
def test_a_run_whose_tables_are_nowhere(company, tmp_path, command):
    nowhere = tmp_path / "nowhere"
    company(paths=out_in(tmp_path, data=nowhere))
    code, modules, said = refused(command, "--config", tmp_path / "config.yaml")
    assert (code, modules) == (3, [])
    assert f"{nowhere} (paths.data) is not there, or may not be read" in said.replace("\n", "")
    assert "Then: stille check --config" in said


def test_a_check_whose_tables_are_nowhere_has_a_page(company, tmp_path):
    company(paths=out_in(tmp_path, data=tmp_path / "nowhere"))
    code, _, _ = refused("check", "--config", tmp_path / "config.yaml")
    page = (tmp_path / "out" / "check.html").read_text()
    assert (code, f"{tmp_path / 'nowhere'} (paths.data) is not there" in page) == (3, True)


@pytest.mark.parametrize("folder", ["out", "var"])
def test_a_night_that_cannot_write(company, tmp_path, folder):
    (tmp_path / "file").write_text("where a folder should be")
    company(paths=out_in(tmp_path, **{folder: tmp_path / "file" / folder}))
    (tmp_path / "var" / "champion").mkdir(parents=True, exist_ok=True)
    (tmp_path / "var" / "champion" / "champion.json").write_text("{}")
    code, modules, said = refused("nightly", "--config", tmp_path / "config.yaml")
    assert (code, modules) == (5, [])
    assert str(tmp_path / "file") in said.replace("\n", "")


@pytest.mark.parametrize("command", ["train", "effect", "check"])
def test_a_configuration_with_an_unknown_key(company, tmp_path, command):
    company(paths=out_in(tmp_path))
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text() + "\nlable: {horizon_days: 30}\n")
    code, modules, said = refused(command, "--config", config)
    assert (code, modules) == (2, [])
    assert "lable" in said
