"""Next-best-action rules: the action each driver calls for, and what is forbidden.

Rules are the company's, in ``configs/actions.yaml``, each with its source. The model ranks; it
never chooses what is done.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from features.errors import ConfigError
from pipelines.config.text_files import load_checked
from pipelines.lists.templates import DRIVERS, FACTS, UNCHANGEABLE, Bound, within

Lane = Literal["call", "fix", "service"]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, Field(min_length=2)]


class _Wording(_Rule):
    """A rule that people read, in each language of the lists."""

    nb: Annotated[str, Field(min_length=1)]
    sv: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Action(_Wording):
    """What is done, in which lane, an agent's minutes for one customer, and whether it offers
    something that costs money (``economics.offer_cost``).
    """

    lane: Lane
    minutes: Annotated[float, Field(ge=0)]
    offer: bool = False


class DriverRule(_Rule):
    """The actions of a driver; the first that nothing forbids is suggested."""

    actions: Annotated[tuple[str, ...], Field(min_length=1)]


class DoNot(_Wording):
    """What must not be done: for customers with one of ``drivers``, or whose facts lie in ``when``.

    With both, both must hold. ``forbids`` names actions that would break the rule.
    """

    drivers: tuple[str, ...] = ()
    when: Mapping[str, Bound] = {}
    forbids: tuple[str, ...] = ()


class Actions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    actions: Mapping[str, Action]
    drivers: Mapping[str, DriverRule]
    do_not: Mapping[str, DoNot]


def load_actions(path: Path) -> Actions:
    """Read the rule table; raises ``ConfigError`` listing everything that is wrong in it."""
    rules = load_checked(path, Actions, "the table of actions")
    faults = tuple(_faults(rules))
    if faults:
        raise ConfigError(f"{path} has {len(faults)} faults:\n  " + "\n  ".join(faults))
    return rules


def _faults(rules: Actions) -> Iterator[str]:
    for driver, rule in rules.drivers.items():
        yield from _unknown(f"drivers.{driver}", (driver,), DRIVERS, "driver")
        yield from _unknown(f"drivers.{driver}", rule.actions, rules.actions, "action")
        if driver in UNCHANGEABLE:
            yield f"drivers.{driver}: nobody can act on it, so it gives no action"
    for code, never in rules.do_not.items():
        yield from _unknown(f"do_not.{code}", never.drivers, DRIVERS, "driver")
        yield from _unknown(f"do_not.{code}", never.forbids, rules.actions, "action")
        yield from _unknown(f"do_not.{code}", never.when, FACTS, "fact")
        if not never.drivers and not never.when:
            yield f"do_not.{code}: names neither drivers nor facts, so it is about nobody"


def _unknown(place: str, names: Iterable[str], allowed: Container[str], kind: str) -> Iterator[str]:
    yield from (f"{place}: {name!r} is no {kind}" for name in names if name not in allowed)


def suggest(scored: pd.DataFrame, rules: Actions, reasons: int) -> pd.DataFrame:
    """What is suggested for each customer, and what is forbidden.

    Columns ``suggested_action``, ``action_driver``, ``action_lane``, ``minutes``, ``do_not``.

    ``scored`` has ``reason_<n>_driver`` (code or null) and the facts that rules ask about; a fact
    that is missing or null is outside every bound. The strongest reason whose driver has an
    action that no rule forbids decides; without one the first four are null. ``do_not`` joins
    the codes that hold for the customer by ``;``, in the order of the table.
    """
    slots = [f"reason_{n}_driver" for n in range(1, reasons + 1)]
    drivers = scored.reindex(columns=slots).astype("str").fillna("").to_numpy(dtype=object)
    holds = {code: _holds(rule, drivers, scored) for code, rule in rules.do_not.items()}
    chosen, why = _first_allowed(drivers, rules, holds)
    out = pd.DataFrame({"suggested_action": chosen, "action_driver": why}, index=scored.index)
    out["action_lane"] = out["suggested_action"].map({c: a.lane for c, a in rules.actions.items()})
    out["minutes"] = out["suggested_action"].map({c: a.minutes for c, a in rules.actions.items()})
    codes = np.full(len(scored), "", dtype=object)
    for code, rows in holds.items():
        codes[rows] = [f"{text};{code}" if text else code for text in codes[rows]]
    out["do_not"] = codes
    for name in ("suggested_action", "action_driver", "action_lane", "do_not"):
        text = out[name].astype("str")
        out[name] = text.mask(text.eq(""))
    return out


def _holds(rule: DoNot, drivers: np.ndarray, scored: pd.DataFrame) -> np.ndarray:
    rows = np.ones(len(scored), dtype=bool)
    if rule.drivers:
        rows &= np.isin(drivers, rule.drivers).any(axis=1)
    for fact, bound in rule.when.items():
        if fact not in scored.columns:
            return np.zeros(len(scored), dtype=bool)
        rows &= within(scored[fact], bound)
    return rows


def _first_allowed(
    drivers: np.ndarray, rules: Actions, holds: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    chosen, why = np.full((2, len(drivers)), "", dtype=object)
    nobody = np.zeros(len(drivers), dtype=bool)
    forbidden = {
        action: sum(
            (holds[c] for c, rule in rules.do_not.items() if action in rule.forbids), nobody
        )
        for action in rules.actions
    }
    for place in range(drivers.shape[1]):
        for driver in np.unique(drivers[:, place]):
            for action in rules.drivers[driver].actions if driver in rules.drivers else ():
                rows = (chosen == "") & (drivers[:, place] == driver) & ~forbidden[action]
                chosen[rows], why[rows] = action, driver
    return chosen, why
