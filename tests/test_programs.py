"""Tests of absent programs are skipped and named at the end, or fail where they are demanded."""

import os
import subprocess
import sys

import postgres_server
import pytest
from programs import DEMANDS, required, skipped_by_reason

ABSENT = "Chromium is not installed: apt-get install chromium"


@pytest.mark.parametrize("demands", ["", "all", "chromium", "postgresql"])
def test_a_program_that_is_there_is_given_back(monkeypatch, demands):
    monkeypatch.setenv(DEMANDS, demands)
    assert required("Chromium", "/bin/true", "…") == "/bin/true"


@pytest.mark.parametrize("demands", ["", "postgresql", "postgresql, other"])
def test_absent_and_not_demanded_skips(monkeypatch, demands):
    monkeypatch.setenv(DEMANDS, demands)
    with pytest.raises(pytest.skip.Exception, match=ABSENT):
        required("Chromium", None, "apt-get install chromium")


@pytest.mark.parametrize("demands", ["all", "chromium", "PostgreSQL, Chromium"])
def test_absent_and_demanded_fails(monkeypatch, demands):
    monkeypatch.setenv(DEMANDS, demands)
    with pytest.raises(pytest.fail.Exception, match=rf"{ABSENT} \({DEMANDS} demands it\)"):
        required("Chromium", None, "apt-get install chromium")


def test_postgresql_is_looked_for_on_the_path_and_where_debian_puts_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(postgres_server, "INSTALLED", tmp_path)
    assert postgres_server.binaries() is None
    for folder in ("14/bin", "15/bin", "path"):
        (tmp_path / folder).mkdir(parents=True)
        for name in ("initdb", "pg_ctl"):
            (tmp_path / folder / name).touch(mode=0o755)
            expected = tmp_path / folder if name == "pg_ctl" else postgres_server.binaries()
            assert postgres_server.binaries() == expected
    (tmp_path / "path" / "pg_ctl").unlink()
    assert postgres_server.binaries() == tmp_path / "15/bin"


def test_reasons_are_counted_with_their_files():
    def report(file, reason):
        place = f"tests/{file}.py::test_{reason}"
        longrepr = (file, 1, f"Skipped: {reason}")
        return pytest.TestReport(place, ("", 0, ""), {}, "skipped", longrepr, "setup")

    lines = skipped_by_reason([report("b", "x"), report("a", "y"), report("a", "x")])
    assert lines == ["2 not run (tests/a.py, tests/b.py): x", "1 not run (tests/a.py): y"]


@pytest.mark.parametrize(("demands", "code"), [("", 0), ("chromium", 1)])
def test_a_run_with_a_worker_says_last_what_did_not_run(root, tmp_path, demands, code):
    body = 'from programs import required\ndef test_it(): required("Chromium", None, "apt-get")'
    (tmp_path / "test_page.py").write_text(body)
    command = [sys.executable, "-m", "pytest", "-n", "1", "-p", "programs", "test_page.py"]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment = {**inherited, "PYTHONPATH": str(root / "tests" / "helpers"), DEMANDS: demands}
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
    )
    assert run.returncode == code, run.stdout + run.stderr
    *_, section, line, _ = run.stdout.splitlines()
    assert ("not run on this machine" in section) is (code == 0)
    reason = "Chromium is not installed: apt-get"
    assert (line == f"1 not run (test_page.py): {reason}") is (code == 0)
    assert (f"{reason} ({DEMANDS} demands it)" in run.stdout) is (code == 1)
