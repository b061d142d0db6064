"""Sentence templates of one language, read from configs/reasons/ and validated as a whole.

What they may quote comes from the feature catalogue, so a new feature can be quoted at once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from babel import Locale, UnknownLocaleError

from features.catalog import build_catalog
from features.contract import TABLES
from features.errors import ConfigError
from models.dataset.array_types import Mask
from pipelines.config.text_files import read_yaml
from pipelines.lists.wording import FORMATS, FactType, Style, words

Bound = tuple[float | None, float | None]
Direction = Literal["raises", "lowers"]
DIRECTIONS: tuple[Direction, ...] = ("raises", "lowers")
LONGEST = 140

_CATALOG = build_catalog(TABLES)
DRIVERS: tuple[str, ...] = (*dict.fromkeys(f.driver for f in _CATALOG.features), "profile")
"""The drivers of every feature, and the one of a company's own attributes."""

_UNITS: Mapping[str, FactType] = {
    **{"s": "seconds", "share": "ratio", "category": "text", "points": "number"},
    **{kind: kind for kind in FORMATS},
}
FACTS: Mapping[str, FactType] = {
    **{f.name: _UNITS[f.unit] for f in _CATALOG.features if f.unit in _UNITS},
    **dict.fromkeys(("product_line", "profile_name", "profile_value"), "text"),
}
"""What a sentence may quote: every feature whose unit has words, the line, an attribute."""

_PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)(?::([a-z]+))?\}")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A fact to be filled in, and how it is written."""

    fact: str
    form: str


@dataclass(frozen=True, slots=True)
class Variant:
    """A sentence in pieces, and the bounds of facts (inclusive, None is open) it holds within."""

    parts: tuple[str | Placeholder, ...]
    when: Mapping[str, Bound]

    @property
    def facts(self) -> frozenset[str]:
        filled = {piece.fact for piece in self.parts if isinstance(piece, Placeholder)}
        return frozenset(filled | set(self.when))


@dataclass(frozen=True, slots=True)
class Templates:
    """Every sentence of a language, by driver and direction; each needs facts of the customer."""

    language: str
    style: Style
    variants: Mapping[tuple[str, Direction], tuple[Variant, ...]]


def load_templates(path: Path) -> Templates:
    """Read ``<language>.yaml``; raises ``ConfigError`` listing everything that is wrong in it."""
    content = read_yaml(path, "sentences")
    try:
        templates = _templates(path.stem, content)
    except (UnknownLocaleError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is not a file of sentences: {error!r}.") from error
    faults = tuple(_faults(templates, content["drivers"]))
    if faults:
        raise ConfigError(f"{path} has {len(faults)} faults:\n  " + "\n  ".join(faults))
    return templates


def _templates(language: str, content: Mapping[str, Any]) -> Templates:
    figures = {name: value for name, value in content.items() if name != "drivers"}
    units = {unit: (one, many) for unit, (one, many) in content["units"].items()}
    style = Style(**figures | {"locale": Locale.parse(content["locale"]), "units": units})
    variants = {
        (driver, direction): tuple(map(_variant, wordings.get(direction, ())))
        for driver, wordings in content["drivers"].items()
        for direction in DIRECTIONS
    }
    return Templates(language, style, variants)


def _variant(entry: str | Mapping[str, Any]) -> Variant:
    if isinstance(entry, str):
        return Variant(parse(entry), {})
    bounds = {fact: (low, high) for fact, (low, high) in entry.get("when", {}).items()}
    return Variant(parse(entry["say"]), bounds)


def parse(text: str) -> tuple[str | Placeholder, ...]:
    """Cut ``text`` at its ``{fact:format}`` places; raises ``ValueError`` at any other brace.

    >>> parse("Waited {wait_max_90d:minutes}.")
    ('Waited ', Placeholder(fact='wait_max_90d', form='minutes'), '.')
    """
    first, *rest = _PLACEHOLDER.split(text)
    parts: list[str | Placeholder] = [first]
    for fact, form, after in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        parts += [Placeholder(fact, form or "text"), after]
    if any(brace in piece for piece in parts if isinstance(piece, str) for brace in "{}"):
        raise ValueError(f"a brace that begins no {{fact:format}} in {text!r}")
    return tuple(piece for piece in parts if piece != "")


def _faults(templates: Templates, drivers: Mapping[str, Any]) -> Iterator[str]:
    for driver in drivers:
        if driver not in DRIVERS:
            yield f"{driver}: no such driver; the drivers are {', '.join(DRIVERS)}"
    for driver in DRIVERS:
        for direction in DIRECTIONS:
            place = f"{driver}.{direction}"
            if direction not in drivers.get(driver, {}):
                yield f"{place}: not there; [] is for what is never said"
            variants = templates.variants.get((driver, direction), ())
            for number, variant in enumerate(variants, start=1):
                if not variant.facts:
                    yield f"{place} sentence {number}: says nothing of the customer, needs no fact"
                yield from (f"{place} sentence {number}: {fault}" for fault in _unknown(variant))


def _unknown(variant: Variant) -> Iterator[str]:
    for fact in sorted(variant.facts - set(FACTS)):
        yield f"unknown fact {fact!r}"
    for fact in variant.when:
        if FACTS.get(fact) in ("date", "text"):
            yield f"{fact} has no bounds: only figures do"
    for piece in variant.parts:
        if isinstance(piece, Placeholder) and piece.fact in FACTS:
            allowed = FORMATS[FACTS[piece.fact]]
            if piece.form not in allowed:
                yield f"{piece.fact} is written as {allowed or 'nothing'}, not {piece.form!r}"


def sentences(
    drivers: pd.Series,
    facts: pd.DataFrame,
    templates: Templates,
    currency: str,
    direction: Direction,
) -> pd.Series:
    """One sentence of at most 140 characters per row; null without a driver, or none that holds.

    ``drivers``: driver codes or null. ``facts``: columns named as in ``FACTS``, same index; a
    column that is missing counts as null. The first variant whose facts are all known and within
    their bounds is used. Text facts come out as they are: escape them when writing CSV.
    Raises ``KeyError`` for a code without sentences.
    """
    text = pd.Series(pd.NA, index=drivers.index, dtype="str")
    for driver in drivers.dropna().unique():
        open_rows = (drivers == driver).fillna(value=False).to_numpy(dtype=bool)
        for variant in templates.variants[driver, direction]:
            rows = open_rows & _applies(variant, facts)
            if rows.any():
                text.loc[rows] = _fill(variant, facts.loc[rows], templates, currency).array
            open_rows = open_rows & ~rows
    return text.where(text.str.len() <= LONGEST, text.str.slice(0, LONGEST - 1) + "…")


def nameable(templates: Templates, facts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Which drivers can be said to raise, and which to lower, the risk of each row's customer.

    A boolean column per driver code: whether a sentence of that direction has its facts known
    and within their bounds, so that what the contribution claims is true of the customer. A price
    that fell is no price rise, whatever the model made of it. ``facts`` as in ``sentences``.
    """

    def sayable(driver: str, direction: Direction) -> Mask:
        holds = [_applies(v, facts) for v in templates.variants[driver, direction]]
        none = np.zeros(len(facts), dtype=bool)
        return np.asarray(np.any([none, *holds], axis=0), dtype=bool)

    raises, lowers = (
        pd.DataFrame({driver: sayable(driver, way) for driver in DRIVERS}, index=facts.index)
        for way in DIRECTIONS
    )
    return raises, lowers


def variant_of(
    driver: str, facts: pd.DataFrame, templates: Templates, direction: Direction
) -> Variant:
    """The variant in which ``sentences`` says the one row of ``facts``."""
    return next(v for v in templates.variants[driver, direction] if _applies(v, facts)[0])


def within(figures: pd.Series, bound: Bound) -> Mask:
    """Whether each figure is finite and lies within the bound."""
    low, high = bound
    values = figures.to_numpy(dtype="float64", na_value=np.nan)
    inside: Mask = np.isfinite(values)
    inside &= values >= (-np.inf if low is None else low)
    inside &= values <= (np.inf if high is None else high)
    return inside


def _applies(variant: Variant, facts: pd.DataFrame) -> Mask:
    rows = np.full(len(facts), variant.facts <= set(facts.columns))
    for fact in variant.facts & set(facts.columns):
        if FACTS[fact] == "date":
            rows &= facts[fact].notna().to_numpy()
        elif FACTS[fact] == "text":
            rows &= (facts[fact].notna() & facts[fact].ne("")).to_numpy(dtype=bool)
        else:
            rows &= within(facts[fact], variant.when.get(fact, (None, None)))
    return rows


def _fill(variant: Variant, facts: pd.DataFrame, templates: Templates, currency: str) -> pd.Series:
    text = pd.Series("", index=facts.index, dtype="str")
    for piece in variant.parts:
        if isinstance(piece, Placeholder):
            fact, kind = piece.fact, FACTS[piece.fact]
            text += words(facts[fact], fact, kind, piece.form, templates.style, currency)
        else:
            text += piece
    return text
