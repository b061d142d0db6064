"""Shadowing check: the packages of this installation against what Python finds by their names."""

import sys
from importlib.util import find_spec
from pathlib import Path

_OWN = Path(__file__).resolve().parents[1]


def refuse_shadows(*packages: str, command: bool) -> None:
    """Raise ``ImportError`` unless the ``packages`` beside this one are those that Python finds.

    A ``command`` has no use for a traceback: the message is printed, and the exit code is 2.
    """
    lines = []
    for name in packages:
        spec = find_spec(name)
        places = list(spec.submodule_search_locations or [str(spec.origin)]) if spec else [""]
        if (found := Path(places[0]).resolve()) != _OWN / name:
            lines.append(f"  {name}: {found if spec else 'nothing'} instead of {_OWN / name}\n")
    message = (
        f"Python finds other packages by the names of Stille's:\n{''.join(lines)}"
        "Start Python in another folder, take theirs out of PYTHONPATH, or rename them."
    )
    if lines and command:
        print(f"stille: {message}", file=sys.stderr)
        raise SystemExit(2)
    if lines:
        raise ImportError(message)
