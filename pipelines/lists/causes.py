"""Driver-removal list: what removing each driver would be worth, for the whole company.

Figures are associations of the model, marked where an experiment has measured an action.
"""

import json
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from models.explain.driver_removal import Removal
from pipelines.config.settings import Settings
from pipelines.config.text_files import ACTIONS
from pipelines.lists.actions import Actions, load_actions
from pipelines.lists.list_columns import SCHEMA_VERSION
from pipelines.lists.night_lists import NightLists, with_list
from pipelines.publication.manifest import Stamp, columns

CAUSES_NAME = "causes"
_LEVELS = ("family", "driver")
_EVIDENCE = ("association", "experiment")

CAUSE_FIELDS = columns(
    """
    schema_version
    run_id
    as_of_date
    level      text!     Driver family, or one driver.
    cause      text!     The family's or the driver's code.
    customers  integer!  Customers whose risk would fall without it.
    leavers    decimal!  Expected leavers fewer within the horizon.
    value      amount    Value of those leavers, at the low acquisition multiple.
    currency
    evidence   text!     Association: what the model learned goes with leaving. Experiment: an
                         action for this driver has been measured against a holdout too; the
                         figures are the model's all the same.
    """,
    level=_LEVELS,
    evidence=_EVIDENCE,
)


def cause_rows(
    removals: Sequence[Removal], stamp: Stamp, currency: str | None, experiments: Collection[str]
) -> pd.DataFrame:
    """The list's rows; ``experiments`` are drivers with an action that was measured."""
    rows = pd.DataFrame(
        {
            "level": [each.level for each in removals],
            "cause": [each.name for each in removals],
            "customers": [round(each.customers) for each in removals],
            "leavers": [each.leavers for each in removals],
            "value": [each.value for each in removals],
            "evidence": [_EVIDENCE[each.name in experiments] for each in removals],
        }
    )
    return rows.assign(
        schema_version=SCHEMA_VERSION,
        run_id=stamp.run_id,
        as_of_date=pd.Timestamp(stamp.as_of),
        currency=pd.Series(currency, index=rows.index, dtype="str"),
    )


def write_causes(
    settings: Settings, removals: Sequence[Removal], lists: NightLists, folder: Path
) -> NightLists:
    """Write ``causes`` beside the lists, families first, each level by leavers."""
    unknown = () if settings.economics else ("value", "currency")
    drivers = measured_drivers(settings.paths.effect, lists.stamp.as_of, load_actions(ACTIONS))
    rows = cause_rows(removals, lists.stamp, settings.company.currency, drivers)
    fields = tuple(field for field in CAUSE_FIELDS if field.name not in unknown)
    return with_list(lists, rows, fields, settings.list, folder, CAUSES_NAME)


def measured_drivers(folder: Path, as_of: date, rules: Actions) -> frozenset[str]:
    """Drivers whose rule names an action with a verdict in the newest measurement by ``as_of``."""
    files = [p for p in folder.glob("*.json") if p.stem <= as_of.isoformat()]
    effects = json.loads(max(files).read_bytes())["effects"] if files else ()
    actions = {
        each["group"]
        for each in effects
        if each["kind"] == "action" and each["verdict"] != "not_measurable_yet"
    }
    return frozenset(d for d, rule in rules.drivers.items() if actions & set(rule.actions))
