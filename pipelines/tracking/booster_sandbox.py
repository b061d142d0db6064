"""Sandbox for untrusted booster texts: a child process parses them first.

A text that crashes or hangs the parser harms the child only. It has bounds on memory and time, no
files to write, and imports LightGBM alone. It must give back the text that it read. It is spawned,
never forked.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from features.errors import ModelError
from models.boosters.text_format import NEXT

_CHILD = Path(__file__).with_name("booster_sandbox_child.py")
_SECONDS = 120.0


def check_boosters(texts: Sequence[bytes]) -> None:
    """Raise ``ModelError`` unless another process parses every text and writes it back the same."""
    lengths = " ".join(str(len(text)) for text in texts)
    try:
        done = subprocess.run(  # noqa: S603  (this interpreter and a file of this package)
            [sys.executable, "-I", str(_CHILD)],
            input=b"".join([f"{lengths}\n".encode(), *texts]),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"LightGBM was still reading the boosters' text after {_SECONDS:.0f} s. {NEXT}"
        ) from error
    digests = done.stdout.split()[-len(texts) :]
    expected = [hashlib.sha256(text).hexdigest().encode() for text in texts]
    if done.returncode != 0 or digests != expected:
        how = f"ended with code {done.returncode}" if done.returncode else "read another model"
        raise ModelError(
            f"A booster's text cannot be read: LightGBM, tried in a process of its own, {how}. "
            f"{NEXT}"
        )
