"""Which column of a file is probably which column of the contract."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.tables import Column, ColumnType, Table
from pipelines.drafting.naming import SURE, WORTH_ASKING, column_likeness
from pipelines.drafting.sampling import Sample
from pipelines.drafting.textlook import Look
from pipelines.drafting.wordmap import word_map

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
_KNOWN_AT = Column("known_at", "instant", "When the row could be known.")


@dataclass(frozen=True, slots=True)
class Match:
    """A contract column and the file's column that is probably it.

    ``words`` maps the file's words to the contract's; ``unknown`` says that it has others too.
    """

    column: Column
    source: str
    look: Look
    score: float
    words: Mapping[str, str]
    unknown: bool = False

    @property
    def sure(self) -> bool:
        return self.score >= SURE and not self.unknown and not self.look.doubtful


def match_columns(table: Table, sample: Sample) -> tuple[Match, ...]:
    """The file's most similar column of a fitting kind for each contract column, best first."""
    pairs = [
        match
        for column in (*table.columns, _KNOWN_AT)
        for source, look in sample.columns.items()
        if (match := _match(table, column, source, look)).score >= WORTH_ASKING
    ]
    taken: dict[str, Match] = {}
    for match in sorted(pairs, key=lambda match: -match.score):
        used = {m.source for m in taken.values()}
        if match.column.name not in taken and match.source not in used:
            taken[match.column.name] = match
    order = [column.name for column in (*table.columns, _KNOWN_AT)]
    return tuple(sorted(taken.values(), key=lambda match: order.index(match.column.name)))


def _match(table: Table, column: Column, source: str, look: Look) -> Match:
    score = column_likeness(source, table, column.name)
    if not look.kinds.intersection(_FITS[column.type]):
        score = 0.0
    words: Mapping[str, str] = {}
    unknown = False
    if column.allowed:
        words = word_map(look.words, column.allowed)
        unknown = not look.words or bool(set(look.words) - set(words) - set(column.allowed))
    return Match(column, source, look, score, words, unknown)
