"""Name similarity of tables and columns, with the aliases that companies use."""

from collections.abc import Mapping

from features.contract import TABLES, Table
from pipelines.sources.personal_data import why_forbidden
from pipelines.sources.synonyms import likeness, plain

SURE_THRESHOLD = 0.9
ASK_THRESHOLD = 0.6
# What companies call a column of one table; elsewhere the same word means another.
_ALIASES: Mapping[str, str] = {
    "customers.joined_on": "dateactiv opprettet kundesiden registrert skapad created since "
    "registrerad",
    "contracts.started_on": "startdato avtalestart oppstart startdatum fradato",
    "contracts.product_line": "produkt tjeneste product produktomrade",
    "contracts.binding_until": "bindingstil binding_til bundet_til bindingstid",
    "contracts.term_months": "avtaleperiode lopetid loptid avtalstid",
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


def source_tables() -> tuple[Table, ...]:
    """Tables that a company can give."""
    return tuple(table for table in TABLES.values() if not table.derived)
