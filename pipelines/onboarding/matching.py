"""Schema matching: the contract column that a file's column probably is, by name and content."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.contract import Column, ColumnType, Table
from pipelines.onboarding.sampling import ColumnSample, FileSample
from pipelines.sources.binding import KNOWN_AT
from pipelines.sources.personal_data import why_forbidden
from pipelines.sources.synonyms import likeness, plain, word_list

# What a column may be read as, besides what it looks like.
_FITS: Mapping[ColumnType, tuple[str, ...]] = {
    "text": ("text",),
    "integer": ("integer",),
    "number": ("number",),
    "money": ("number",),
    "price": ("number",),
    "boolean": ("boolean",),
    "date": ("date", "instant"),
    "instant": ("instant", "date"),
}
SURE_THRESHOLD = 0.9
ASK_THRESHOLD = 0.6


@dataclass(frozen=True, slots=True)
class Match:
    """A contract column and the file's column that is probably it.

    ``words`` maps the file's words to the contract's; ``unknown`` says that it has others too.
    """

    column: Column
    source: str
    sample: ColumnSample
    score: float
    words: Mapping[str, str]
    unknown: bool = False

    @property
    def sure(self) -> bool:
        return self.score >= SURE_THRESHOLD and not self.unknown and not self.sample.doubtful


def match_columns(table: Table, sample: FileSample) -> tuple[Match, ...]:
    """The file's most similar column of a fitting kind for each contract column, best first."""
    columns = (*table.columns, KNOWN_AT)
    pairs = [
        match
        for column in columns
        for source, column_sample in sample.columns.items()
        if (match := _match(table, column, source, column_sample)).score >= ASK_THRESHOLD
    ]
    taken: dict[str, Match] = {}
    for match in sorted(pairs, key=lambda match: -match.score):
        used = {m.source for m in taken.values()}
        if match.column.name not in taken and match.source not in used:
            taken[match.column.name] = match
    return tuple(taken[column.name] for column in columns if column.name in taken)


def _match(table: Table, column: Column, source: str, sample: ColumnSample) -> Match:
    score = column_likeness(source, table, column.name)
    if not sample.kinds.intersection(_FITS[column.type]):
        score = 0.0
    words: Mapping[str, str] = {}
    unknown = False
    if column.allowed or column.vocabulary:
        words = word_map(sample.words, column.allowed or column.vocabulary)
    if column.allowed:
        unknown = not sample.words or bool(set(sample.words) - set(words) - set(column.allowed))
    return Match(column, source, sample, score, words, unknown)


def word_map(values: tuple[str, ...], allowed: tuple[str, ...]) -> dict[str, str]:
    """The contract's word for each of a source's words that it knows; its own words need none."""
    known = {_bare(word): word for word in allowed}
    for word in allowed:
        for other in word_list("values").get(word, ()):
            known.setdefault(_bare(other), word)
    return {v: known[_bare(v)] for v in values if v not in allowed and _bare(v) in known}


def column_likeness(name: str, table: Table, column: str) -> float:
    """How much a file's column sounds like a column of the contract; 0 for a forbidden one."""
    if why_forbidden(name) is not None:
        return 0.0
    aliases = word_list("columns").get(f"{table.name}.{column}", frozenset())
    if _bare(name) in map(_bare, aliases):
        return 0.94
    return likeness(name, column, table.name)


def _bare(name: str) -> str:
    """A name without signs, case and accents."""
    return "".join(sign for sign in plain(name) if sign.isalnum())
