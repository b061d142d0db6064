"""Figures kept once measured, so that the page can be made in parts."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import models
from models.recipe import recipe_for

FOLDER = Path("var/bench/models")
_CODE = (
    "boosting",
    "calibration",
    "classifier",
    "logit",
    "recipe",
    "ridge",
    "sampling",
    "splits",
    "trial",
)
Row = dict[str, Any]
_ONLY_KEPT = [False]


def settled(rows: int) -> Row:
    """What of the recipe decides a result: its settings, and the code that fits it."""
    recipe = recipe_for(rows)
    rest: Row = {k: getattr(recipe, k) for k in ("patience", "refit", "negatives", "folds")}
    folder = Path(models.__path__[0])
    code = b"".join(Path(folder, f"{name}.py").read_bytes() for name in _CODE)
    rest["code"] = hashlib.sha256(code).hexdigest()
    return {k: v for k, v in recipe.params(1).items() if k != "num_threads"} | rest


def measure_nothing(only_kept: bool) -> None:
    """Whether ``kept`` gives an empty row for what is not measured yet."""
    _ONLY_KEPT[0] = only_kept


def kept(name: str, about: object, make: Callable[[], Row]) -> Row:
    """What ``make`` returned when it was last called for the same ``about``."""
    key = hashlib.sha256(json.dumps([name, about], sort_keys=True).encode()).hexdigest()[:16]
    path = Path(FOLDER, "kept", f"{name.replace(' ', '_')}-{key}.json")
    if not path.is_file() and _ONLY_KEPT[0]:
        return {}
    if not path.is_file():
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(made))
    found: Row = json.loads(path.read_text())
    return found
