"""Figures kept once measured, so that the page can be made in parts."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import grimp

from benchmarks.companies import FOLDER as BENCH
from models.boosters.hyperparameters import recipe_for
from models.churn.fit import fit

FOLDER = BENCH / "models"
Row = dict[str, Any]
_ONLY_KEPT = [False]


def settled(rows: int) -> Row:
    """What of the recipe decides a result: its settings, and the code that fits it."""
    recipe = recipe_for(rows)
    rest: Row = {k: getattr(recipe, k) for k in ("patience", "refit", "negatives", "folds")}
    rest["code"] = _code_digest(fit.__module__)
    return {k: v for k, v in recipe.params(1).items() if k != "num_threads"} | rest


def measure_nothing(only_kept: bool) -> None:
    """Whether ``kept`` gives an empty row for what is not measured yet."""
    _ONLY_KEPT[0] = only_kept


def kept(name: str, about: object, make: Callable[[], Row]) -> Row:
    """What ``make`` returned when it was last called for the same ``about``."""
    key = hashlib.sha256(json.dumps([name, about], sort_keys=True).encode()).hexdigest()[:16]
    path = Path(FOLDER, "kept", f"{re.sub('[^a-z0-9.-]+', '_', name.lower())}-{key}.json")
    if not path.is_file() and _ONLY_KEPT[0]:
        return {}
    if not path.is_file():
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(made))
    found: Row = json.loads(path.read_text())
    return found


@cache
def _code_digest(module: str) -> str:
    """Digest of a module and of all that it imports from its own package."""
    graph = grimp.build_graph(module.partition(".")[0], cache_dir=None)
    names = sorted({module, *graph.find_upstream_modules(module)})
    specs = [find_spec(name) for name in names]
    files = [Path(spec.origin) for spec in specs if spec and spec.origin]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
