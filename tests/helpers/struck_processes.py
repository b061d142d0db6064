"""Work in forked processes that are killed, or refused the disk, from a chosen call on."""

import errno
import os
import sqlite3
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from publishing import at_call, kill
from sqlalchemy.engine.default import DefaultDialect

from features.errors import StilleError


def started(work: Callable[[], object], log: Path) -> int:
    """The process, forked, in which ``work`` is done; its words go to ``log``."""
    child = os.fork()
    if child:
        return child
    code = 1
    with log.open("a") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        try:
            work()
            code = 0
        except StilleError as error:
            print(error, file=said)
            code = error.exit_code
        except BaseException:
            traceback.print_exc(file=said)
        finally:
            said.flush()
            os._exit(code)


def ended(child: int) -> int:
    """Exit code of a process that was started, once it has one; the signal's number below 0."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def struck(number: int, fault: str) -> Callable[[], int]:
    """As ``at_call``, a commit of a database being a call too; ``fault`` is a key of ``FAULTS``."""
    act, cleaning = FAULTS[fault], fault == "kill"
    here = [at_call(number, act, cleaning=cleaning)]
    commit = DefaultDialect.do_commit

    def do_commit(*given: Any) -> None:
        nonlocal commits
        commits += 1
        if here[0]() + commits >= number:
            try:
                act()
            except OSError as error:
                raise sqlite3.OperationalError("database or disk is full") from error
        commit(*given)

    commits = 0
    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]
    return lambda: here[0]() + commits


def _refuse(number: int) -> Callable[[], None]:
    def act() -> None:
        raise OSError(number, os.strerror(number))

    return act


FAULTS: Mapping[str, Callable[[], object]] = {
    "kill": kill,
    "full": _refuse(errno.ENOSPC),
    "read-only": _refuse(errno.EROFS),
    "no inodes": _refuse(errno.EDQUOT),
    "input and output": _refuse(errno.EIO),
    "slow": partial(time.sleep, 0.01),
}
