"""Flat tables: the key, the column that says who left, and what else becomes an attribute."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from features.contract import TABLES
from pipelines.onboarding.matching import ASK_THRESHOLD, SURE_THRESHOLD, column_likeness
from pipelines.onboarding.sampling import ColumnSample, FileSample
from pipelines.sources.personal_data import why_forbidden
from pipelines.sources.synonyms import plain, stems, word_list

_MOST_CATEGORIES, _ALWAYS = 200, 0.99
_NAME_PARTS = re.compile(r"([a-z0-9])([A-Z])")


@dataclass(frozen=True, slots=True)
class ChurnLabel:
    """The column that says who left, and its words for yes and no."""

    column: str
    yes: tuple[str, ...]
    no: tuple[str, ...]
    left: int
    non_null: int


@dataclass(frozen=True, slots=True)
class Flat:
    """What a table with one row a customer can give, beside its key.

    ``attributes`` maps each name to its declaration; ``dropped`` each column left out to why;
    ``joined`` is the column of the first day, and the unit where it is a duration.
    """

    key: str
    attributes: Mapping[str, Mapping[str, object]]
    dropped: Mapping[str, str]
    joined: tuple[str, str | None] | None = None
    segment: str | None = None
    label: str | None = None


def key_of(sample: FileSample) -> str | None:
    """The column that names the row's customer, contract or account; each value there once."""
    scores = {
        name: max(
            column_likeness(name, TABLES["customers"], "customer_id"),
            0.8 * _has_word_of("holder", name),
            0.7 * ("id" in stems(name)),
            0.1 * ("number" not in sample.columns[name].kinds),
        )
        for name in sample.unique
        if why_forbidden(name) is None and not sample.columns[name].fraction
    }
    return max(scores, key=lambda name: scores[name], default=None)


def _has_word_of(role: str, name: str) -> bool:
    return not stems(name).isdisjoint(word_list("roles")[role])


def label_by_name(sample: FileSample, name: str, yes: str = "") -> ChurnLabel | None:
    """The label that a person names, by the word for who left where the words do not tell."""
    column = sample.columns[name]
    if yes in column.counts and len(column.counts) > 1:
        no = tuple(word for word in column.words if word != yes)
        return ChurnLabel(name, (yes,), no, column.counts[yes], column.non_null)
    return _label(name, column)


def label_of(sample: FileSample) -> ChurnLabel | None:
    """The column that says who left, when its name and its words do."""
    named = [name for name in sample.columns if _has_word_of("leaving", name)]
    weak = word_list("roles")["weak_leaving"]
    named += [name for name in sample.columns if plain(name).replace(" ", "") in weak]
    found = [label for name in named if (label := _label(name, sample.columns[name])) is not None]
    return max(found, key=lambda label: _has_word_of("leaving", label.column), default=None)


def _label(name: str, column: ColumnSample) -> ChurnLabel | None:
    words = set(column.counts)
    if len(words) < 2:
        return None
    if column.truth is not None:
        yes, no = {column.truth[0]}, {column.truth[1]}
    else:
        yes = {word for word in words if _has_word_of("leaving", word)}
        no = words - yes
    if not yes or not no or len(words) > 4:
        return None
    left = sum(column.counts.get(word, 0) for word in yes)
    return ChurnLabel(name, tuple(sorted(yes)), tuple(sorted(no)), left, column.non_null)


def flatten(
    sample: FileSample, key: str, label: ChurnLabel | None, outcome: Mapping[str, bool]
) -> Flat:
    """Everything of a table that may become an attribute, and why the rest may not.

    ``outcome`` is whether each key's customer left, for the leaks among the columns.
    """
    forms = Counter(column.form for column in sample.columns.values() if column.form)
    form = forms.most_common(1)[0][0] if forms else ""
    joined = _joined(sample)
    segment = _likeliest("segment", sample.columns, SURE_THRESHOLD)
    taken = {key, label.column if label else None, joined[0] if joined else None, segment}
    attributes: dict[str, Mapping[str, object]] = {}
    dropped: dict[str, str] = {}
    left = [outcome.get(id_ or "") for id_ in sample.values[key]]
    for name, column in sample.columns.items():
        if name in taken or why_forbidden(name) is not None:
            continue
        reason = _useless(sample, name, column, form) or _tells(sample.values[name], column, left)
        if label is not None and reason is None and _has_word_of("leaving", name):
            reason = "named after leaving; map it by hand if it was known before"
        if reason is None:
            attributes[_attribute_name(name, attributes)] = _declaration(name, column)
        else:
            dropped[name] = reason
    return Flat(key, attributes, dropped, joined, segment, label.column if label else None)


def _likeliest(column: str, names: Iterable[str], least: float) -> str | None:
    """The name most like a column of the customers, of a likeness of at least ``least``."""
    likely = {name: column_likeness(name, TABLES["customers"], column) for name in names}
    best = max(likely, key=lambda name: likely[name], default=None)
    return best if best is not None and likely[best] >= least else None


def _joined(sample: FileSample) -> tuple[str, str | None] | None:
    """The column of a customer's first day: a date, or a duration with its unit."""
    dates = [name for name, column in sample.columns.items() if column.kinds & {"date", "instant"}]
    best = _likeliest("joined_on", dates, ASK_THRESHOLD)
    if best is not None:
        return best, None
    for name, column in sample.columns.items():
        if (unit := duration_unit(name, column, sample.values[name])) is not None:
            return name, unit
    return None


def duration_unit(name: str, column: ColumnSample, values: list[str | None]) -> str | None:
    """The unit of a column of tenures; None when it is none, or nobody can tell.

    Without a unit in the name, more than 40 are no years and more than 600 are no months.
    """
    words = {*stems(name), *re.findall("[a-z]+", plain(_NAME_PARTS.sub(r"\1 \2", name)))}
    numbers = [float(v) for v in values if v is not None] if "number" in column.kinds else []
    named = next((unit for unit, known in word_list("units").items() if words & known), None)
    roles = word_list("roles")
    likely = words & roles["tenure"] and not words & roles["other_span"]
    sure = words & roles["sure_tenure"] or (named and likely)
    if not numbers or min(numbers) < 0 or not sure:
        return None
    if named is not None or not 40 < max(numbers) <= 600:
        return named
    return "months"


def _useless(sample: FileSample, name: str, column: ColumnSample, form: str) -> str | None:
    moment = column.kinds & {"date", "instant"}
    foreign = moment and sample.fmt == "csv" and column.form != form
    reasons = {
        "empty": not column.non_null,
        "the same in every row": column.distinct < 2
        and column.non_null == len(sample.values[name]),
        "another value in every row": name in sample.unique and "id" in stems(name),
        f"dates written as {column.form}, and the table's as {form}": foreign,
        f"{column.distinct:,} different texts": column.distinct > _MOST_CATEGORIES
        and not (moment or "number" in column.kinds),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _tells(values: list[str | None], column: ColumnSample, left: list[bool | None]) -> str | None:
    """Why a column seems to have been written by the outcome; None when it does not."""
    pairs = [(v, y) for v, y in zip(values, left, strict=True) if y is not None]
    y = np.array([y for _, y in pairs], dtype=bool)
    if not 0 < y.sum() < len(y):
        return None
    usual = max(y.mean(), 1 - y.mean())
    groups: dict[str | None, list[bool]] = {}
    for value, gone in pairs:
        groups.setdefault("" if value is not None and not column.counts else value, []).append(gone)
    right = sum(max(sum(g), len(g) - sum(g)) for g in groups.values()) / len(y)
    if right > max(_ALWAYS, usual + (1 - usual) * 0.9):
        return "says who left: its values, or where it is empty, tell the outcome"
    if "number" in column.kinds and column.decimal != "," and not column.thousands:
        numbers = np.array([np.nan if v is None else float(v) for v, _ in pairs])
        there = ~np.isnan(numbers)
        if 0 < y[there].sum() < there.sum():
            auc = roc_auc_score(y[there], numbers[there])
            if max(auc, 1 - auc) > _ALWAYS:
                return "says who left: ordered by it, leavers and others fall apart"
    return None


def _attribute_name(name: str, names: Mapping[str, object]) -> str:
    base = re.sub("[^a-z0-9]+", "_", plain(_NAME_PARTS.sub(r"\1_\2", name))).strip("_")
    base = base if base[:1].isalpha() else f"x_{base}"
    candidates = [base, *(f"{base}_{n}" for n in range(2, len(names) + 3))]
    return next(each for each in candidates if each not in names)


def _declaration(name: str, column: ColumnSample) -> dict[str, object]:
    doc = _NAME_PARTS.sub(r"\1 \2", name).replace("_", " ").strip().capitalize() + "."
    if column.kinds & {"date", "instant"}:
        return {"column": name, "type": "number", "as_days": True, "doc": doc}
    kind = "number" if "number" in column.kinds else "category"
    return {"column": name, "type": kind, "doc": doc}
