"""The run record tells how every run ended."""

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from features.errors import BusyError, ContractError, PublicationError
from pipelines.runtime.run_record import open_record


def written(runs: Path) -> dict[str, Any]:
    return json.loads((runs / "run-1.json").read_bytes())


def test_a_good_run_is_recorded_with_its_stages_and_gates(tmp_path: Path):
    with open_record(tmp_path, "run-1", "nightly") as record:
        assert written(tmp_path)["status"] == "running"
        with record.stage("features") as stage:
            stage.rows_in, stage.rows_out = 10, 4
        assert record.gate("null_rate", 0.02, high=0.05)
        assert not record.gate("base_rate", 0.5, low=0.01, high=0.1)
        assert not record.gate("auc", float("nan"), low=0.5)
        record.quarantined["invoices"] = {"amount is below zero": 3}
        record.model_version = "churn/3"
        record.input_digests["contacts.csv"] = "sha256:1"
    result = written(tmp_path)
    assert (result["status"], result["exit_code"], result["error"]) == ("succeeded", 0, None)
    assert result["started_at"] < result["finished_at"]
    stage = result["stages"][0]
    assert (stage["name"], stage["rows_in"], stage["rows_out"]) == ("features", 10, 4)
    assert stage["finished"]
    assert 0 <= stage["seconds"] < 1
    assert result["gates"] == [
        {"name": "null_rate", "value": 0.02, "low": None, "high": 0.05, "passed": True},
        {"name": "base_rate", "value": 0.5, "low": 0.01, "high": 0.1, "passed": False},
        {"name": "auc", "value": None, "low": 0.5, "high": None, "passed": False},
    ]
    assert result["quarantined"] == {"invoices": {"amount is below zero": 3}}
    assert result["input_digests"] == {"contacts.csv": "sha256:1"}
    assert (result["degraded"], result["untracked"]) == (False, False)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ContractError("contacts.csv, row 3: wait_seconds is 'x'"), 3, "contacts.csv, row 3"),
        (BusyError("another run"), 75, "another run"),
        (KeyError("Kari Nordmann"), 1, None),
        (SystemExit(6), 6, None),
        (SystemExit("words"), 1, None),
        (KeyboardInterrupt(), 130, None),
    ],
)
def test_a_failed_run_is_recorded(
    tmp_path: Path, error: BaseException, code: int, message: str | None
):
    with (
        pytest.raises(type(error)),
        open_record(tmp_path, "run-1", "nightly") as record,
        record.stage("scores"),
    ):
        raise error
    result = written(tmp_path)
    assert (result["status"], result["exit_code"]) == ("failed", code)
    assert result["error"]["kind"] == type(error).__name__
    assert result["error"]["where"].startswith("test_run_record.py:")
    assert not result["stages"][0]["finished"]
    if message is None:
        assert result["error"]["message"] is None
    else:
        assert message in result["error"]["message"]


@pytest.mark.promise("private")
def test_an_error_of_unknown_words_leaves_no_customer_data(tmp_path: Path):
    with pytest.raises(ValueError, match="Kari"), open_record(tmp_path, "run-1", "nightly"):
        raise ValueError("could not parse 'Kari Nordmann, 99887766'")
    text = (tmp_path / "run-1.json").read_text()
    assert "Kari" not in text
    assert "99887766" not in text


def test_an_exit_with_zero_is_a_success(tmp_path: Path):
    with pytest.raises(SystemExit), open_record(tmp_path, "run-1", "nightly"):
        raise SystemExit(0)
    assert (written(tmp_path)["status"], written(tmp_path)["error"]) == ("succeeded", None)


@pytest.mark.fault(29)
def test_sigterm_is_recorded_and_clears_the_staging_folder(tmp_path: Path):
    script = f"""
        import time
        from datetime import date
        from pathlib import Path
        from pipelines.publication.publish import publisher, staging_folder
        from pipelines.publication.reader import Publication
        from pipelines.runtime.run_record import open_record

        out = Path({str(tmp_path / "out")!r})
        with open_record(Path({str(tmp_path)!r}), "run-1", "nightly"), publisher(out):
            with staging_folder(Publication(out, date(2024, 5, 2), "run-1")):
                print("ready", flush=True)
                time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert (tmp_path / "out" / ".staging-run-1").is_dir()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 143
    assert (written(tmp_path)["status"], written(tmp_path)["exit_code"]) == ("terminated", 143)
    assert list((tmp_path / "out").glob(".staging-*")) == []


def test_the_signal_handler_is_given_back(tmp_path: Path):
    before = signal.getsignal(signal.SIGTERM)
    with open_record(tmp_path, "run-1", "nightly"):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.fault(27)
def test_a_record_that_cannot_be_written_stops_the_run(tmp_path: Path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    with (
        pytest.raises(PublicationError, match="write the run record"),
        open_record(tmp_path / "runs", "run-1", "nightly"),
    ):
        raise AssertionError("the run must not begin")


def break_and_fail(runs: Path) -> None:
    with open_record(runs, "run-1", "nightly"):
        (runs / "run-1.json").unlink()
        runs.rmdir()
        runs.write_text("in the way")
        raise ContractError("row 3")


def test_the_run_s_own_error_comes_before_the_record_s(tmp_path: Path):
    with pytest.raises(ContractError, match="row 3") as caught:
        break_and_fail(tmp_path / "runs")
    assert "write the run record" in caught.value.__notes__[0]
