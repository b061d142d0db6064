"""Schema matching: the contract column that a file's column probably is, by name and content."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.contract import TABLES, Column, ColumnType, Table
from pipelines.onboarding.sampling import ColumnSample, FileSample
from pipelines.sources.personal_data import why_forbidden
from pipelines.sources.synonyms import likeness, plain

SURE = 0.9
WORTH_ASKING = 0.6

# What companies call a column of one table; elsewhere the same word means another.
_ALIASES: Mapping[str, str] = {
    "customers.joined_on": "opprettet kundesiden registrert skapad created since registrerad",
    "contracts.started_on": "startdato avtalestart oppstart startdatum fradato",
    "contracts.product_line": "produkt tjeneste product produktomrade",
    "contracts.binding_until": "bindingstil binding_til bundet_til bindingstid",
    "terminations.notified_on": "oppsigelsesdato oppsagt uppsagd mottatt uppsagningsdatum",
    "terminations.effective_on": "sluttdato slutdatum opphorsdato enddate",
    "terminations.outcome": "arsak grunn orsak reason",
    "invoices.issued_on": "fakturadato fakturadatum invoicedate dato",
    "invoices.amount": "total tobepaid attbetala",
    "payments.paid_on": "betalingsdato innbetalt paymentdate betaldatum dato",
    "reminders.sent_on": "purredato dato paminnelsedatum",
    "price_changes.effective_on": "fradato gjelder_fra galler_fran",
    "price_changes.notified_on": "varslet varseldato aviserad",
    "contacts.started_at": "tidspunkt tid starttid tidpunkt timestamp created opprettet",
    "contacts.topic": "kategori arsak category reason",
    "cases.opened_at": "opprettet registrert skapad created",
    "complaints.opened_at": "opprettet registrert skapad mottatt created",
    "surveys.answered_at": "svardato tidspunkt besvart svarsdatum",
    "surveys.score": "svar poeng answer",
    "claims.claimed_on": "skadedato meldt skadedatum",
    "claims.claimed": "krav skadebelop kravbelop",
    "claims.settled_on": "oppgjort oppgjorsdato avgjort reglerad",
    "claims.paid": "utbetalt erstatning ersattning",
    "notifications.sent_at": "tidspunkt sendt tidpunkt",
    "incidents.started_at": "starttid fra",
    "incidents.ended_at": "sluttid til",
}


def table_likeness(name: str, table: Table) -> float:
    """How much a file's name sounds like a table's."""
    return likeness(name, table.name)


def column_likeness(name: str, table: Table, column: str) -> float:
    """How much a file's column sounds like a column of the contract; 0 for a forbidden one."""
    if why_forbidden(name) is not None:
        return 0.0
    aliases = _ALIASES.get(f"{table.name}.{column}", "").split()
    if bare(name) in map(bare, aliases):
        return 0.94
    return likeness(name, column, table.name)


def bare(name: str) -> str:
    """A name without signs, case and accents."""
    return "".join(sign for sign in plain(name) if sign.isalnum())


def given_tables() -> tuple[Table, ...]:
    """Tables that a company can give."""
    return tuple(table for table in TABLES.values() if not table.derived)


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
        return self.score >= SURE and not self.unknown and not self.sample.doubtful


def match_columns(table: Table, sample: FileSample) -> tuple[Match, ...]:
    """The file's most similar column of a fitting kind for each contract column, best first."""
    pairs = [
        match
        for column in (*table.columns, _KNOWN_AT)
        for source, column_sample in sample.columns.items()
        if (match := _match(table, column, source, column_sample)).score >= WORTH_ASKING
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
    if column.allowed:
        words = word_map(sample.words, column.allowed)
        unknown = not sample.words or bool(set(sample.words) - set(words) - set(column.allowed))
    return Match(column, source, sample, score, words, unknown)


def word_map(values: tuple[str, ...], allowed: tuple[str, ...]) -> dict[str, str]:
    """The contract's word for each of a source's words that it knows; its own words need none."""
    known = {bare(word): word for word in allowed}
    for word in allowed:
        for other in _WORDS.get(word, "").split():
            known.setdefault(bare(other), word)
    return {v: known[bare(v)] for v in values if v not in allowed and bare(v) in known}
