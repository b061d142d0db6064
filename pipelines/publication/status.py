"""Status of a night: what keeps its lists from being used as they are, decided in one place.

The night's manifest carries it, where the terminal and the doctor read what the report says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template
from typing import Any, Literal, get_args

import pandas as pd

from pipelines.config.measurement import MeasurementFile
from pipelines.config.settings import Settings
from pipelines.config.text_files import read_yaml, text_file
from pipelines.publication.manifest import Stamp
from pipelines.publication.reader import manifest_facts
from pipelines.runtime.run_record import Gate

Tone = Literal["good", "look", "bad"]
_OLD_DAYS = 7
_NO_REASON = "no_action"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the status names; ``code`` is a key of the texts, where the others go."""

    tone: Tone
    code: str
    figure: float = 0
    rule: str = ""


def tone_of(notices: Iterable[Notice]) -> Tone:
    """The most serious tone: ``good`` without a notice."""
    return max((notice.tone for notice in notices), key=get_args(Tone).index, default="good")


def missing_tables(settings: Settings) -> Iterator[Notice]:
    """Tables without which what customers allow is not known, as the configuration maps none."""
    for table in ("consents", "contact_bars", "reservations"):
        asked = table != "reservations" or settings.contact.register_days is not None
        if asked and table not in settings.sources:
            yield Notice("look", f"no_{table}")


def run_notices(
    stamp: Stamp,
    gates: Sequence[Gate],
    data_until: date | None,
    monitored: MeasurementFile,
    measured: MeasurementFile,
    before: Mapping[str, object],
) -> Iterator[Notice]:
    """What is amiss with the run of ``stamp``, its data and what was measured before it.

    ``before`` is the manifest of the night before, empty where there is none.
    """
    lot = before.get("holdout_key") or stamp.holdout_key
    age = 0 if data_until is None else (stamp.as_of - data_until).days
    counts: tuple[tuple[Tone, str, int], ...] = (
        ("bad", "permissions", not stamp.permissions_read),
        ("bad", "harm", len((measured.data or {}).get("harmful", ()))),
        ("look", "gates", sum(not gate.passed for gate in gates)),
        ("look", "alarms", len((monitored.data or {}).get("alarms", ()))),
        ("look", "old_data", age if age > _OLD_DAYS else 0),
        ("look", "degraded", stamp.degraded),
        ("look", "lot_redrawn", lot != stamp.holdout_key),
        ("look", "unreadable", monitored.unreadable or measured.unreadable),
    )
    yield from (Notice(tone, code, figure) for tone, code, figure in counts if figure)


def list_notices(
    settings: Settings, rows: pd.DataFrame, register_on: "pd.Series[Any]", as_of: date
) -> Iterator[Notice]:
    """What is amiss with the list of ``as_of``: ``rows`` with their lane, rule and minutes.

    ``register_on``: day of each customer's latest look-up in the reservation register, or null.
    Minutes are unused where one more call would fit and nobody waits for it. The rule is the one
    that kept most off the call list, of those who had a reason to be called, where any had.
    """
    yield from missing_tables(settings)
    days = settings.contact.register_days
    if days is not None and "reservations" in settings.sources:
        old = int((pd.Timestamp(as_of) - pd.to_datetime(register_on)).dt.days.gt(days).sum())
        if register_on.isna().all():
            yield Notice("look", "register_empty")
        elif old:
            yield Notice("look", "register_old", old)
    called, rules = rows.loc[rows["lane"].eq("call"), "minutes"], rows["lane_rule"].dropna()
    reasoned = rules[rules.ne(_NO_REASON)]
    rule = next(iter((reasoned if len(reasoned) else rules).mode()), _NO_REASON)
    unused = float(settings.list.capacity_minutes - called.sum())
    if called.empty:
        yield Notice("look", "nobody_called", int(rules.eq(rule).sum()), rule)
    elif unused >= called.max() and not rules.eq("capacity").any():
        yield Notice("look", "unused_minutes", unused, rule)


def published_status(folder: Path) -> tuple[Notice, ...] | None:
    """The status that the publication in ``folder`` carries; None where none can be read."""
    try:
        return tuple(Notice(**each) for each in manifest_facts(folder)["status"]["notices"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sentences(notices: Sequence[Notice]) -> Iterator[str]:
    """The status, then each notice with its next step, in English, as terminals show them."""
    texts, tone = read_yaml(text_file("report", "en"), "the report's texts"), tone_of(notices)
    yield f"{texts['tone'][tone]} {texts['status'][tone]}"
    for notice in notices:
        said = Template(f"{texts['notices'][notice.code]} {texts['steps'][notice.code]}")
        rule = texts["rules"].get(notice.rule, notice.rule)
        yield said.substitute(figure=f"{notice.figure:,.0f}", rule=rule, config="")
