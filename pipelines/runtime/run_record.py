"""Run record (audit log): what a run did and how it ended, written on every exit."""

import json
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from types import FrameType
from typing import Literal

from features.errors import PublicationError, StilleError, without_passwords
from pipelines.runtime.atomic_files import replace_bytes, storage_errors
from pipelines.runtime.logs import LOG

Status = Literal["running", "succeeded", "failed", "terminated", "killed"]
TERMINATED = 143
_INTERRUPTED = 130


@dataclass(slots=True)
class Stage:
    """One stage: how long it took and how many rows went in and came out."""

    name: str
    seconds: float = 0.0
    rows_in: int | None = None
    rows_out: int | None = None
    finished: bool = False

    @property
    def summary(self) -> str:
        rows = {"in": self.rows_in, "out": self.rows_out}
        told = "".join(f", {n:,} rows {way}" for way, n in rows.items() if n is not None)
        how = "" if self.finished else "not finished, "
        return f"{self.name}: {how}{self.seconds:.1f} s{told}"


@dataclass(frozen=True, slots=True)
class Gate:
    """A measured value and the band it must lie in (inclusive; None is open)."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    passed: bool


@dataclass(slots=True)
class RunRecord:
    """What one run did. Instants are UTC; digests are ``sha256:<hex>``.

    ``error`` says why it failed: kind, where, and a message where this project wrote it;
    ``tone`` is that of the status of the lists that it published.
    """

    run_id: str
    command: str
    started_at: str
    status: Status = "running"
    exit_code: int | None = None
    finished_at: str | None = None
    as_of_date: str | None = None
    stages: list[Stage] = field(default_factory=list)
    quarantined: dict[str, dict[str, int]] = field(default_factory=dict)
    gates: list[Gate] = field(default_factory=list)
    model_version: str | None = None
    model_digest: str | None = None
    feature_spec_hash: str | None = None
    config_digest: str | None = None
    input_digests: dict[str, str] = field(default_factory=dict)
    degraded: bool = False
    untracked: bool = False
    publication: str | None = None
    tone: str | None = None
    notes: list[str] = field(default_factory=list)
    error: dict[str, str | None] | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time a stage; set ``rows_in`` and ``rows_out`` on what it yields."""
        stage = Stage(name)
        self.stages.append(stage)
        started = time.monotonic()
        try:
            yield stage
            stage.finished = True
        finally:
            stage.seconds = round(time.monotonic() - started, 3)
            LOG.info(stage.summary)

    def gate(
        self, name: str, value: float, low: float | None = None, high: float | None = None
    ) -> bool:
        """Note a gate and return whether the value lies in its band; a NaN never does."""
        known = isfinite(value)
        passed = known and (low is None or value >= low) and (high is None or value <= high)
        self.gates.append(Gate(name, value if known else None, low, high, passed))
        return passed


@contextmanager
def open_record(
    folder: Path, run_id: str, command: str, tell: Callable[[RunRecord], list[str]] = lambda _: []
) -> Iterator[RunRecord]:
    """Run a command with its record in ``<folder>/<run_id>.json``.

    It is written as ``running`` at the start, so that a killed run leaves a trace, and again on
    every exit; exceptions pass through. Within the block SIGTERM raises ``SystemExit(143)``.
    ``tell`` gets the record as it ended, and gives notes to write into it. Raises
    ``PublicationError`` when the record cannot be written and nothing else went wrong.
    """
    record = RunRecord(run_id, command, _now())
    path = folder / f"{run_id}.json"
    with _sigterm_exits() as deafen:
        try:
            _write(record, path)
            yield record
            deafen()
            record.status, record.exit_code = "succeeded", 0
            _write(record, path)
        except BaseException as error:
            deafen()
            _fail(record, error)
            try:
                _write(record, path)
            except PublicationError as second:
                if str(second) != str(error):
                    error.add_note(str(second))
            raise
        finally:
            LOG.info("%s, exit code %s", record.status, record.exit_code)
            with suppress(Exception):  # whatever it is, the run has ended as it has
                if notes := tell(record):
                    record.notes += notes
                    _write(record, path)


def close_dead(folder: Path, own: RunRecord) -> list[str]:
    """Record earlier runs of ``own``'s command that never ended as ``killed``; a note on each.

    Call where no other run of the command can be at work.
    """
    notes = []
    for path in sorted(folder.glob(f"{own.command}-*.json")):
        try:
            found = json.loads(path.read_bytes())
            begun = found["status"] == "running" and found["started_at"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if begun and begun < own.started_at:
            found["status"] = "killed"
            with storage_errors(f"write the run record {path}"):
                replace_bytes(path, f"{json.dumps(found, indent=2, ensure_ascii=False)}\n".encode())
            notes.append(f"run {path.stem}, begun at {begun}, was killed: it never ended")
    return notes


def _fail(record: RunRecord, error: BaseException) -> None:
    record.exit_code = _exit_code(error)
    if record.exit_code == 0:
        record.status = "succeeded"
        return
    record.status = "terminated" if record.exit_code == TERMINATED else "failed"
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
    message = str(error) if isinstance(error, StilleError) else None
    record.error = {"kind": type(error).__name__, "message": message, "where": where}


def _exit_code(error: BaseException) -> int:
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED
    return error.exit_code if isinstance(error, StilleError) else 1


def _write(record: RunRecord, path: Path) -> None:
    if record.exit_code is not None:
        record.finished_at = _now()
    data = json.dumps(asdict(record), indent=2, ensure_ascii=False, allow_nan=False)
    with storage_errors(f"write the run record {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(path, f"{without_passwords(data)}\n".encode())


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@contextmanager
def _sigterm_exits() -> Iterator[Callable[[], object]]:
    """Make SIGTERM raise ``SystemExit``; yields what to call once only the record is left."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = signal.signal(signal.SIGTERM, _exit_on_sigterm)
    try:
        yield lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN)
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit_on_sigterm(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(TERMINATED)
