"""Which drivers have an action that was measured against a holdout."""

import json
from datetime import date
from pathlib import Path

from pipelines.effect import FOLDER
from pipelines.lists.actions import Actions

_NOT_YET = "not_measurable_yet"


def measured_drivers(var: Path, as_of: date, rules: Actions) -> frozenset[str]:
    """Drivers whose rule names an action with a verdict in the newest measurement by ``as_of``."""
    files = [p for p in (var / FOLDER).glob("*.json") if p.stem <= as_of.isoformat()]
    if not files:
        return frozenset()
    effects = json.loads(max(files).read_bytes())["effects"]
    actions = {
        each["group"]
        for each in effects
        if each["kind"] == "action" and each["verdict"] != _NOT_YET
    }
    return frozenset(d for d, rule in rules.drivers.items() if actions & set(rule.actions))
