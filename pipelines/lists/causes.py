"""Driver-removal list: what removing each driver would be worth, for the whole company.

Figures are associations of the model, beside what was measured of an action for the driver: to
call about a cause is not to remove it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

import pandas as pd

from models.explain.driver_removal import Removal
from pipelines.config.measurement import EFFECT_VERSION, newest
from pipelines.config.settings import Settings
from pipelines.lists.actions import Actions, load_actions
from pipelines.lists.list_columns import SCHEMA_VERSION
from pipelines.lists.night_lists import NightLists, with_list
from pipelines.publication.manifest import Stamp, columns

CAUSES_NAME = "causes"
_LEVELS = ("family", "driver")
_MEASURED = {
    "fewer_leave": "measured_fewer",
    "no_difference_seen": "measured_none",
    "no_difference": "measured_none",
    "more_leave": "measured_more",
}
"""What the verdicts of `stille effect` say of an action; any other is none yet."""
UNMEASURED = "not_measured"
EVIDENCE = (*dict.fromkeys(_MEASURED.values()), UNMEASURED)

CAUSE_FIELDS = columns("causes", level=_LEVELS, evidence=EVIDENCE)


def cause_rows(
    removals: Sequence[Removal], stamp: Stamp, currency: str | None, measured: Mapping[str, str]
) -> pd.DataFrame:
    """The list's rows; ``measured`` is the evidence by driver, where there is any."""
    names = ["level", "cause", "customers", "leavers", "value"]
    rows = pd.DataFrame(map(astuple, removals), columns=names)
    return rows.assign(
        customers=rows["customers"].round().astype("int64"),
        evidence=[measured.get(cause, UNMEASURED) for cause in rows["cause"]],
        schema_version=SCHEMA_VERSION,
        run_id=stamp.run_id,
        as_of_date=pd.Timestamp(stamp.as_of),
        currency=pd.Series(currency, index=rows.index, dtype="str"),
    )


def write_causes(settings: Settings, removals: Sequence[Removal], lists: NightLists) -> NightLists:
    """Write ``causes`` beside the lists, families first, each level by leavers."""
    unknown = () if settings.economics else ("value", "currency")
    effects = newest(settings.paths.effect, lists.stamp.as_of, EFFECT_VERSION).data or {}
    measured = measured_drivers(effects.get("effects", ()), load_actions())
    rows = cause_rows(removals, lists.stamp, settings.company.currency, measured)
    fields = tuple(field for field in CAUSE_FIELDS if field.name not in unknown)
    return with_list(lists, rows, fields, CAUSES_NAME)


def measured_drivers(effects: Sequence[Mapping[str, Any]], rules: Actions) -> dict[str, str]:
    """Evidence by driver, of the first action of its rule that has a verdict among ``effects``."""
    verdicts = {
        each["group"]: _MEASURED[each["verdict"]]
        for each in effects
        if each["kind"] == "action" and each["verdict"] in _MEASURED
    }
    return {
        driver: next(verdicts[action] for action in rule.codes if action in verdicts)
        for driver, rule in rules.drivers.items()
        if not verdicts.keys().isdisjoint(rule.codes)
    }
