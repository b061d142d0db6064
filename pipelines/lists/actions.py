"""Next-best-action rules: the action each driver calls for, or why none, and what is forbidden.

Rules are the company's, in ``configs/actions.yaml``, each with its source. The model ranks; it
never chooses what is done.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from features.errors import ConfigError
from models.dataset.array_types import Mask
from pipelines.config.sections import Section
from pipelines.config.sources import Attribute
from pipelines.config.text_files import ACTIONS, load_checked
from pipelines.lists.templates import DRIVERS, FACTS, Bound, Templates, nameable, within
from pipelines.scoring.scores import ATTRIBUTE

Lane = Literal["call", "fix", "service"]


class _Rule(Section):
    source: Annotated[str, Field(min_length=2)]


class Words(Section):
    """A text that people read, in each language of the lists."""

    nb: Annotated[str, Field(min_length=1)]
    sv: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]

    def text(self, language: str) -> str:
        """The text in a language; in English for one that the table does not have."""
        return str(self.model_dump().get(language, self.en))


class Action(_Rule, Words):
    """What is done, in which lane, an agent's minutes for one customer, and what is said first.

    ``offer``: something is offered that costs money when it is taken (``economics.offer_cost``).
    ``at_next_contact``: it waits for the customer to make contact.
    """

    lane: Lane
    minutes: Annotated[float, Field(ge=0)]
    offer: bool = False
    at_next_contact: bool = False
    opening: Words


class InWriting(_Rule, Words):
    """What an action is called where the customer is written to."""


class ActionStep(Section):
    """An action, for customers whose facts lie in ``when``; one alone is for everybody."""

    do: str
    when: Mapping[str, Bound] = {}

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, value: object) -> object:
        return {"do": value} if isinstance(value, str) else value


class DriverRule(_Rule):
    """What a driver calls for: the first step that fits the customer and that nothing forbids.

    ``nothing`` says why nothing is done where no step fits.
    """

    actions: tuple[ActionStep, ...] = ()
    nothing: Words | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The actions of its steps, in their order."""
        return tuple(dict.fromkeys(step.do for step in self.actions))


class DoNot(_Rule, Words):
    """What must not be done: for customers with one of ``drivers``, or whose facts lie in ``when``.

    With both, both must hold. ``forbids`` names actions that would break the rule.
    """

    drivers: tuple[str, ...] = ()
    when: Mapping[str, Bound] = {}
    forbids: tuple[str, ...] = ()


class Actions(Section):
    actions: Mapping[str, Action]
    drivers: Mapping[str, DriverRule]
    do_not: Mapping[str, DoNot]
    in_writing: Mapping[str, InWriting] = {}

    def words(self, language: str, *, written: bool = False) -> dict[str, str]:
        """What each action and each rule of what not to do is called, by its code."""
        own: dict[str, Words] = {**self.actions, **self.do_not}
        own |= self.in_writing if written else {}
        return {code: rule.text(language) for code, rule in own.items()}


def load_actions(path: Path = ACTIONS) -> Actions:
    """Read the rule table; raises ``ConfigError`` listing everything that is wrong in it."""
    rules = load_checked(path, Actions, "the table of actions")
    faults = tuple(_faults(rules))
    if faults:
        raise ConfigError(f"{path} has {len(faults)} faults:\n  " + "\n  ".join(faults))
    return rules


def _faults(rules: Actions) -> Iterator[str]:
    for driver, rule in rules.drivers.items():
        place = f"drivers.{driver}"
        yield from _unknown(place, (driver,), DRIVERS, "driver")
        yield from _unknown(place, rule.codes, rules.actions, "action")
        yield from _unknown(place, [f for s in rule.actions for f in s.when], FACTS, "fact")
        if rule.nothing is None and all(step.when for step in rule.actions):
            yield f"{place}: names no action for everybody, and not why there is nothing to do"
    yield from _unknown("in_writing", rules.in_writing, rules.actions, "action")
    for code, never in rules.do_not.items():
        yield from _unknown(f"do_not.{code}", never.drivers, DRIVERS, "driver")
        yield from _unknown(f"do_not.{code}", never.forbids, rules.actions, "action")
        yield from _unknown(f"do_not.{code}", never.when, FACTS, "fact")
        if not never.drivers and not never.when:
            yield f"do_not.{code}: names neither drivers nor facts, so it is about nobody"


def _unknown(place: str, names: Iterable[str], allowed: Container[str], kind: str) -> Iterator[str]:
    yield from (f"{place}: {name!r} is no {kind}" for name in names if name not in allowed)


def can_be_reasons(
    templates: Templates, rules: Actions, attributes: Mapping[str, Attribute], facts: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``nameable``, with 2 for a reason that some action is for, and the company's attributes.

    An attribute can be a reason where its value is known. ``facts`` as in ``nameable``.
    """
    raises, lowers = nameable(templates, facts)
    acted = {driver: _acted_on(rules, driver, facts).astype(int) for driver in DRIVERS}
    ranked = {driver: raises[driver] * (1 + acted[driver]) for driver in DRIVERS}
    drivers = {f"{ATTRIBUTE}{key}": attribute.driver for key, attribute in attributes.items()}
    known = {name: facts[name].notna() for name in drivers if name in facts}
    own = {name: value * (1 + acted[drivers[name]]) for name, value in known.items()}
    return pd.DataFrame(ranked | own, index=facts.index), lowers.assign(**known)


def suggest(scored: pd.DataFrame, rules: Actions, reasons: int) -> pd.DataFrame:
    """What is suggested for each customer, and what is forbidden.

    Columns ``suggested_action``, ``action_driver``, ``action_lane``, ``minutes``, ``do_not``,
    ``no_action_driver``.

    ``scored`` has ``reason_<n>_driver`` (code or null) and the facts that rules ask about; a fact
    that is missing or null is outside every bound. The first reason whose driver has a step that
    fits the customer and that no rule forbids decides; without one the first four are null, and
    ``no_action_driver`` is the first reason whose rule says why nothing is done. ``do_not`` joins
    the codes that hold for the customer by ``;``, in the order of the table.
    """
    slots = [f"reason_{n}_driver" for n in range(1, reasons + 1)]
    drivers = scored.reindex(columns=slots).astype("str").fillna("").to_numpy(dtype=object)
    holds = {code: _fits(rule.when, scored) for code, rule in rules.do_not.items()}
    for code, rule in rules.do_not.items():
        if rule.drivers:
            holds[code] &= np.isin(drivers, rule.drivers).any(axis=1)
    chosen, why = _first_allowed(drivers, rules, holds, scored)
    out = pd.DataFrame({"suggested_action": chosen, "action_driver": why}, index=scored.index)
    out["action_lane"] = out["suggested_action"].map({c: a.lane for c, a in rules.actions.items()})
    out["minutes"] = out["suggested_action"].map({c: a.minutes for c, a in rules.actions.items()})
    codes, idle = np.full((2, len(scored)), "", dtype=object)
    for code, rows in holds.items():
        codes[rows] = [f"{text};{code}" if text else code for text in codes[rows]]
    silent = [driver for driver, rule in rules.drivers.items() if rule.nothing is not None]
    for place in reversed(drivers.T):
        idle = np.where(np.isin(place, silent), place, idle)
    out["do_not"], out["no_action_driver"] = codes, np.where(chosen == "", idle, "")
    for name in ("suggested_action", "action_driver", "action_lane", "do_not", "no_action_driver"):
        text = out[name].astype("str")
        out[name] = text.mask(text.eq(""))
    return out


def advice_texts(advice: pd.DataFrame, rules: Actions, language: str) -> pd.DataFrame:
    """``opening_text`` and ``no_action_text`` of what ``suggest`` gave, in a language."""
    openings = {code: action.opening.text(language) for code, action in rules.actions.items()}
    idle = {d: r.nothing.text(language) for d, r in rules.drivers.items() if r.nothing is not None}
    texts = {"opening_text": advice["suggested_action"].map(openings)}
    return pd.DataFrame({**texts, "no_action_text": advice["no_action_driver"].map(idle)})


def _fits(when: Mapping[str, Bound], facts: pd.DataFrame) -> Mask:
    """Whether each row's facts lie in all bounds; one that is missing does not."""
    rows = np.full(len(facts), when.keys() <= set(facts.columns))
    for fact in when.keys() & set(facts.columns):
        rows &= within(facts[fact], when[fact])
    return rows


def _acted_on(rules: Actions, driver: str, facts: pd.DataFrame) -> Mask:
    """Whether some step of the driver's fits each row, whatever rules forbid."""
    steps = rules.drivers[driver].actions if driver in rules.drivers else ()
    return sum((_fits(step.when, facts) for step in steps), np.zeros(len(facts), dtype=bool))


def _first_allowed(
    drivers: np.ndarray, rules: Actions, holds: Mapping[str, Mask], facts: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    chosen, why = np.full((2, len(drivers)), "", dtype=object)
    forbidden = {action: np.zeros(len(drivers), dtype=bool) for action in rules.actions}
    for code, rule in rules.do_not.items():
        for action in rule.forbids:
            forbidden[action] |= holds[code]
    for place in range(drivers.shape[1]):
        for driver in np.unique(drivers[:, place]):
            for step in rules.drivers[driver].actions if driver in rules.drivers else ():
                rows = (chosen == "") & (drivers[:, place] == driver) & ~forbidden[step.do]
                rows &= _fits(step.when, facts)
                chosen[rows], why[rows] = step.do, driver
    return chosen, why
