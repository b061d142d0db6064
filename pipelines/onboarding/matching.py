"""Schema matching: the contract column that a file's column probably is, by name and content."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.contract import Column, ColumnType, Table
from pipelines.onboarding.columns import ColumnSample
from pipelines.onboarding.naming import ASK_THRESHOLD, SURE_THRESHOLD, bare, column_likeness
from pipelines.onboarding.sampling import FileSample

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
_WORDS: Mapping[str, str] = {
    "phone": "telefon tlf ring samtale inbound_call call",
    "email": "epost e-post mail e-mail",
    "chat": "nettprat chatt",
    "sms": "tekstmelding",
    "web": "nett nettside hjemmeside webb minside",
    "store": "butikk butik forhandler",
    "post": "brev papirpost",
    "inbound": "inn innkommende inkommande in",
    "outbound": "ut utgaende utgaaende out",
    "human": "menneske radgiver kundeservice manniska",
    "bot": "robot chatbot",
    "electricity": "strom el kraft elektrisitet elhandel",
    "broadband": "bredband fiber internett internet",
    "telephony": "telefoni mobil mobile",
    "insurance": "forsikring forsakring",
    "voluntary": "frivillig egen konkurrent eget_onske",
    "moved": "flytting flyttet flytt moving",
    "deceased": "dod dodsfall avliden",
    "non_payment": "mislighold betalingsmislighold manglende_betaling",
    "company": "selskapet leverandor",
    "autopay": "avtalegiro autogiro direktedebet",
    "einvoice": "efaktura e-faktura",
    "mobile": "vipps swish mobilbetaling",
    "card": "kort",
    "manual": "manuell giro kontofaktura manuellt",
    "paper": "papir papper",
    "read": "avlest avlast",
    "missing": "mangler saknas",
    "estimated": "estimert stipulert beraknad",
    "csat": "tilfredshet nojdhet",
    "loyalty": "nps lojalitet",
}
_KNOWN_AT = Column("known_at", "When the row could be known.", "instant")


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
    pairs = [
        match
        for column in (*table.columns, _KNOWN_AT)
        for source, column_sample in sample.columns.items()
        if (match := _match(table, column, source, column_sample)).score >= ASK_THRESHOLD
    ]
    taken: dict[str, Match] = {}
    for match in sorted(pairs, key=lambda match: -match.score):
        used = {m.source for m in taken.values()}
        if match.column.name not in taken and match.source not in used:
            taken[match.column.name] = match
    order = [column.name for column in (*table.columns, _KNOWN_AT)]
    return tuple(sorted(taken.values(), key=lambda match: order.index(match.column.name)))


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
    known = {bare(word): word for word in allowed}
    for word in allowed:
        for other in _WORDS.get(word, "").split():
            known.setdefault(bare(other), word)
    return {v: known[bare(v)] for v in values if v not in allowed and bare(v) in known}
