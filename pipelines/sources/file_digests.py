"""Digests of input files: a file that nobody has written to since keeps the one it had.

What tells is the file's size, its number on its disk and its times, of which no program can set
that of the last change (``ctime``) back. As git does, a file is hashed again when that time is so
near to the hashing that another change within the same tick could not be told.
"""

import contextlib
import time
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

from pydantic import TypeAdapter
from pydantic_core import to_json

from features.errors import BusyError, ContractError
from pipelines.runtime.atomic_files import file_digest, replace_bytes
from pipelines.runtime.mirrors import name_of
from pipelines.sources.files import DIGEST_ENDING, Input

_TICK = 2_000_000_000  # nanoseconds: the coarsest file system
_State = tuple[int, int, int, int, int]
_LEDGER = TypeAdapter(dict[str, tuple[_State, str]])


class InputDigests:
    """SHA-256 (hex) of everything in ``inputs``, by name, in ``found``.

    ``ledger`` is the file that remembers those of earlier runs. Raises ``ContractError`` where
    ``<file>.sha256`` beside a file tells another digest.
    """

    def __init__(self, ledger: Path, inputs: Mapping[str, tuple[Input, ...]]) -> None:
        self._known: dict[str, tuple[_State, str]] = {}
        # What cannot be read is hashed again.
        with contextlib.suppress(OSError, ValueError):
            self._known = _LEDGER.validate_json(ledger.read_bytes())
        before, found = dict(self._known), {}
        for each in chain(*inputs.values()):
            if each.digest is not None:
                found[each.name] = each.digest
            for path in each.files:
                if (name := name_of(path)) not in found:
                    found[name] = digest = self._digest(path)
                    _refuse_damaged(path, digest)
        self.found: Mapping[str, str] = dict(sorted(found.items()))
        if self._known != before:
            there = {name: known for name, known in self._known.items() if Path(name).is_file()}
            # A ledger saves time and nothing else: without it the next run hashes again.
            with contextlib.suppress(OSError):
                ledger.parent.mkdir(parents=True, exist_ok=True)
                replace_bytes(ledger, to_json(there))

    def of(self, file: Input) -> list[str]:
        """The digests of one input, with those of its log and of files joined to it."""
        names = [name_of(path) for path in file.files] or [file.name]
        return [self.found.get(name, "") for name in names]

    def refuse_changed(self, inputs: Iterable[Input]) -> None:
        """Raise ``BusyError`` for a file that is no longer what was found."""
        for name, path in sorted({(name_of(p), p) for each in inputs for p in each.files}):
            if not path.is_file() or self._digest(path) != self.found.get(name):
                raise BusyError(f"{name}: changed while it was read; run again when it is complete")

    def _digest(self, path: Path) -> str:
        name, now, stat = str(path.absolute()), time.time_ns(), path.stat()
        state = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        if name in self._known and self._known[name][0] == state:
            return self._known[name][1]
        digest = file_digest(path)
        if stat.st_ctime_ns < now - _TICK:
            self._known[name] = state, digest
        return digest


def _refuse_damaged(path: Path, digest: str) -> None:
    beside = path.with_name(f"{path.name}{DIGEST_ENDING}")
    if beside.is_file():
        words = beside.read_text(encoding="utf-8", errors="replace").split()
        if not words or words[0].lower() != digest:
            raise ContractError(
                f"{name_of(path)}: its SHA-256 is not the one in {beside.name}; the file was "
                "damaged or is not complete. Copy or export it again."
            )
