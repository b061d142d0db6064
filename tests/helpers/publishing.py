"""Run publications in forked processes that die, fail or race at a chosen system call.

``python publishing.py sweep kill|fail FOLDER`` and ``python publishing.py race FOLDER`` print
JSON. A process of its own, without threads, because forking a threaded one is unsafe.
"""

import errno
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import obstore

from features.errors import StilleError
from pipelines.publication.manifest import Field, Stamp
from pipelines.publication.publish import publish, publisher, republish, staging_folder
from pipelines.publication.reader import Publication, current, verify

SCHEMAS = {"risk_list.csv": (Field("customer_id", "text", "Key."),)}
OLD, NEW = date(2024, 5, 1), date(2024, 5, 2)
CREATED = datetime(2024, 5, 2, 3, 0, tzinfo=UTC)
_UNHARMED = 99
_MUTATING = {"os.rename", "os.symlink", "os.link", "os.mkdir", "os.remove", "os.rmdir"}


def stamp(as_of: date, run_id: str, inputs: str = "sha256:1") -> Stamp:
    bands = {"medium": 0.1}
    return Stamp(as_of, run_id, CREATED, inputs, "sha256:c", "churn/1", "sha256:m", 90, bands)


def night(out: Path, as_of: date, name: str, hold: float = 0.0) -> None:
    run_id = f"{name}-20240502T030000Z-000000"
    with publisher(out):
        if republish(out, stamp(as_of, run_id)):
            return
        publication = Publication(out, as_of, run_id)
        with staging_folder(publication) as folder:
            (folder / "risk_list.csv").write_text(f"customer_id\n{as_of}\n")
            (folder / "more").mkdir()
            (folder / "more" / "notes.json").write_text("{}")
            time.sleep(hold)
            publish(publication, stamp(as_of, run_id), SCHEMAS)


def at_call(number: int, act: Callable[[], object], *, cleaning: bool) -> Callable[[], int]:
    """Do ``act`` right before each call that changes the disk or a bucket, from the ``number``-th.

    Returns what tells how many calls there were.
    """
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        if calls >= number:
            act()

    def hook(event: str, args: tuple[object, ...]) -> None:
        cleans = event in ("os.remove", "os.rmdir")
        writes = event == "open" and int(str(args[2])) & (os.O_WRONLY | os.O_RDWR)
        if writes or (event in _MUTATING and (cleaning or not cleans)):
            call()

    flush = os.fsync

    def fsync(descriptor: int) -> None:
        call()
        flush(descriptor)

    def counted(change: Callable[..., object]) -> Callable[..., object]:
        def changed(*args: object, **kwargs: object) -> object:
            call()
            return change(*args, **kwargs)

        return changed

    os.fsync = fsync
    obstore.put, obstore.delete = counted(obstore.put), counted(obstore.delete)
    sys.addaudithook(hook)
    return lambda: calls


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fail() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except StilleError as error:
            code = error.exit_code
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _read(out: Path) -> str:
    now = current(out)
    if now is None:
        return "nothing"
    pointer = json.loads((out / "current.json").read_bytes())
    verify(out / pointer["path"])
    return str(verify(out / "current")["stille"]["run_id"]).partition("-")[0]


def struck_night(number: int, out: Path, act: Callable[[], None], *, cleaning: bool) -> int:
    """Exit code of a night in which ``act`` strikes at its call of that number."""

    def night_of_child() -> None:
        calls = at_call(number, act, cleaning=cleaning)
        night(out, NEW, "new")
        if calls() < number:
            os._exit(_UNHARMED)

    return _forked(night_of_child)


def sweep(how: str, root: Path) -> list[dict[str, object]]:
    act = {"kill": kill, "fail": _fail}[how]
    before = root / "before"
    night(before, OLD, "old")
    results: list[dict[str, object]] = []
    while True:
        number = len(results) + 1
        out = root / str(number)
        shutil.copytree(before, out, symlinks=True)
        code = struck_night(number, out, act, cleaning=how == "kill")
        if code == _UNHARMED:
            return results
        result: dict[str, object] = {"code": code, "read": _read(out)}
        result["staging"] = len(list(out.glob(".staging-*")))
        result["rerun"] = _forked(lambda out=out: night(out, NEW, "again"))
        result["then"] = _read(out)
        result["published"] = len(list((out / str(NEW)).iterdir()))
        result["left"] = sorted(path.name for path in out.glob(".[ts]*"))
        results.append(result)


def race(out: Path, processes: int = 8) -> dict[str, object]:
    wait, start = os.pipe()
    children = []
    for number in range(processes):
        child = os.fork()
        if child == 0:
            os.close(start)
            os.read(wait, 1)
            os._exit(_forked(lambda number=number: night(out, NEW, f"run{number}", hold=0.3)))
        children.append(child)
    os.close(start)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return {"codes": codes, "published": len(list((out / str(NEW)).iterdir())), "read": _read(out)}


def main(arguments: list[str]) -> None:
    match arguments:
        case ["sweep", how, root]:
            print(json.dumps(sweep(how, Path(root))))
        case ["race", out]:
            print(json.dumps(race(Path(out))))
        case ["hold", out]:
            with publisher(Path(out)):
                print("held", flush=True)
                time.sleep(60)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
