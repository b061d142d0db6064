"""Child process of the booster sandbox: parses boosters, prints the SHA-256 of each text.

Input: a line with the length of each text in bytes, then the texts. It runs as a file of its own
and imports nothing of this project.
"""

import hashlib
import resource
import sys
from contextlib import suppress

_CPU_SECONDS = 90
_MEMORY = 4 << 30
_NOT_NEEDED = ("pandas", "sklearn", "dask", "matplotlib", "pyarrow", "cffi", "datatable")


def limit() -> None:
    """Bound processor time, memory and written files, where the system can."""
    for what, most in (
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def main() -> None:
    """Parse what stands on standard input."""
    lengths = [int(length) for length in sys.stdin.buffer.readline().split()]
    texts = [sys.stdin.buffer.read(length) for length in lengths]
    # LightGBM imports these when it finds them, which takes four times as long as itself. None
    # forbids an import (Python's import system).
    for name in _NOT_NEEDED:
        sys.modules[name] = None  # type: ignore[assignment]  # unknown to typeshed
    import lightgbm

    for text in texts:
        again = lightgbm.Booster(model_str=text.decode()).model_to_string()
        print(hashlib.sha256(again.encode()).hexdigest(), flush=True)


if __name__ == "__main__":
    limit()
    main()
