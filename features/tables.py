"""The data contract: what a company's tables mean, column by column.

One declaration, from which validation, the documentation page and the JSON Schema are made.
Every row of every event table carries two instants, computed when the snapshot is written:
``event_at``, when it happened, and ``known_at``, when it could be known (never before it
happened). Both are naive UTC timestamps; a date counts from its local midnight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ColumnType = Literal["text", "integer", "number", "money", "price", "boolean", "date", "instant"]

DUCKDB_TYPES: Mapping[ColumnType, str] = MappingProxyType(
    {
        "text": "VARCHAR",
        "integer": "BIGINT",
        "number": "DOUBLE",
        "money": "BIGINT",
        "price": "DECIMAL(18,6)",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "instant": "TIMESTAMP",
    }
)

FORBIDDEN_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "agent_id": "surveys and contacts judge the company, not the employee (S1)",
        "agent_name": "surveys and contacts judge the company, not the employee (S1)",
        "server": "names the employee who answered (S1)",
        "name": "the customer register joins on customer_id; no names enter",
        "phone": "the customer register joins on customer_id; no phone numbers enter",
        "email": "the customer register joins on customer_id; no addresses enter",
        "address": "the customer register joins on customer_id; no addresses enter",
        "national_id": "no national identity number is needed to predict leaving",
    }
)

PRODUCT_LINES = ("electricity", "broadband", "telephony", "insurance")
CHANNELS = ("phone", "email", "chat", "sms", "app", "web", "store", "post")
OUTCOMES = ("voluntary", "moved", "deceased", "end_of_supply", "non_payment", "company")
PAYMENT_METHODS = ("autopay", "einvoice", "mobile", "card", "manual")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the contract.

    ``money`` is integer minor units (øre, cents); ``price`` is a decimal in major units.
    ``revealed_by`` names the column of the same row whose moment makes this value known:
    before it, features see null.
    """

    name: str
    type: ColumnType
    doc: str
    unit: str = ""
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    revealed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the contract.

    ``event_at`` lists the columns whose earliest non-null value is when the row happened.
    ``planned`` tables may hold events that lie ahead, such as a contract that starts next
    month. Tables without ``customer_id`` are small dimensions, given whole to every shard.
    """

    name: str
    doc: str
    key: tuple[str, ...]
    event_at: tuple[str, ...]
    columns: tuple[Column, ...]
    required: bool = False
    planned: bool = False

    @property
    def per_customer(self) -> bool:
        return any(column.name == "customer_id" for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column called ``name``; raises ``KeyError`` when the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")


CUSTOMER_ID = Column("customer_id", "text", "The customer's pseudonym or CRM key.", required=True)


def _text(name: str, doc: str, *, allowed: tuple[str, ...] = (), required: bool = False) -> Column:
    return Column(name, "text", doc, allowed=allowed, required=required)


def _id(name: str) -> Column:
    return Column(name, "text", "Key of the row.", required=True)


_TABLES = (
    Table(
        "customers",
        "One row per customer. Only facts that never change; the rest is read as events.",
        key=("customer_id",),
        event_at=("joined_on",),
        required=True,
        columns=(
            CUSTOMER_ID,
            Column("joined_on", "date", "First day as a customer."),
            _text("segment", "Customer segment, as the company names it."),
        ),
    ),
    Table(
        "contracts",
        "One row per contract and product line.",
        key=("contract_id",),
        event_at=("started_on",),
        planned=True,
        columns=(
            _id("contract_id"),
            CUSTOMER_ID,
            _text("product_line", "Product line.", allowed=PRODUCT_LINES, required=True),
            _text("plan_id", "Price plan at the start of the contract."),
            Column("started_on", "date", "First day of the contract.", required=True),
            Column("price", "price", "Price a month at the start.", unit="major", minimum=0),
            Column("binding_until", "date", "Last day of the binding period; null without one."),
            _text("bundle_id", "Bundle that the contract is sold in; null outside bundles."),
        ),
    ),
    Table(
        "terminations",
        "One row per contract whose end has been notified.",
        key=("contract_id",),
        event_at=("notified_on",),
        columns=(
            _id("contract_id"),
            CUSTOMER_ID,
            Column("notified_on", "date", "Day the notice was given.", required=True),
            Column("effective_on", "date", "Last day of the contract.", required=True),
            _text("outcome", "What ended the contract.", allowed=OUTCOMES, required=True),
        ),
    ),
    Table(
        "labels",
        "Outcomes a company gives ready-made, when it has no dated terminations.",
        key=("customer_id", "as_of"),
        event_at=("as_of",),
        columns=(
            CUSTOMER_ID,
            Column("as_of", "date", "Day the row's facts are seen from.", required=True),
            Column("churned", "boolean", "Left by own will within the horizon.", required=True),
        ),
    ),
    Table(
        "invoices",
        "One row per invoice or credit note.",
        key=("invoice_id",),
        event_at=("issued_on",),
        columns=(
            _id("invoice_id"),
            CUSTOMER_ID,
            Column("issued_on", "date", "Day of issue.", required=True),
            Column("due_on", "date", "Last day to pay."),
            Column(
                "amount",
                "money",
                "Amount to pay; below zero only on a row that corrects another.",
                unit="minor",
                required=True,
            ),
            Column("n_lines", "integer", "Lines on the invoice.", unit="count", minimum=0),
            Column("estimated", "boolean", "Billed from an estimate."),
            _text("corrects_invoice_id", "Invoice that this one corrects; null otherwise."),
            _text("format", "How it was sent.", allowed=("paper", "email", "einvoice", "app")),
            Column("paper_fee", "money", "Fee for paper.", unit="minor", minimum=0),
        ),
    ),
    Table(
        "payments",
        "One row per payment or attempt to pay.",
        key=("payment_id",),
        event_at=("paid_on",),
        columns=(
            _id("payment_id"),
            CUSTOMER_ID,
            _text("invoice_id", "Invoice paid."),
            Column("paid_on", "date", "Day of the payment or the attempt.", required=True),
            Column("amount", "money", "Amount paid.", unit="minor"),
            _text("method", "Way of paying.", allowed=PAYMENT_METHODS),
            Column("failed", "boolean", "The attempt failed."),
        ),
    ),
    Table(
        "reminders",
        "One row per payment reminder sent.",
        key=("reminder_id",),
        event_at=("sent_on",),
        columns=(
            _id("reminder_id"),
            CUSTOMER_ID,
            _text("invoice_id", "Invoice reminded of."),
            Column("sent_on", "date", "Day sent.", required=True),
            Column("stage", "integer", "1 for the first reminder of an invoice.", minimum=1),
            Column("fee", "money", "Fee charged.", unit="minor", minimum=0),
        ),
    ),
    Table(
        "payment_method_events",
        "One row per step in setting up or ending a way of paying or of receiving invoices.",
        key=("event_id",),
        event_at=("occurred_at",),
        columns=(
            _id("event_id"),
            CUSTOMER_ID,
            Column("occurred_at", "instant", "When the step was taken.", required=True),
            _text("method", "Way of paying.", allowed=PAYMENT_METHODS, required=True),
            _text(
                "step",
                "Step taken.",
                allowed=("started", "completed", "error", "cancelled"),
                required=True,
            ),
        ),
    ),
    Table(
        "price_changes",
        "One row per change of a contract's price; it happens at the notice, else when in force.",
        key=("change_id",),
        event_at=("notified_on", "effective_on"),
        planned=True,
        columns=(
            _id("change_id"),
            CUSTOMER_ID,
            _text("contract_id", "Contract whose price changes."),
            Column(
                "notified_on",
                "date",
                "Day the customer was told; null when never told.",
                revealed_by="notified_on",
            ),
            Column("effective_on", "date", "First day of the new price.", required=True),
            Column("old_price", "price", "Price before.", unit="major", required=True, minimum=0),
            Column("new_price", "price", "Price after.", unit="major", required=True, minimum=0),
            _text("reason_code", "Reason given to the customer; null when none was given."),
            _text("channel", "Channel of the notice.", allowed=CHANNELS),
        ),
    ),
    Table(
        "price_list",
        "One row per plan and period: what new customers are offered.",
        key=("plan_id", "valid_from", "campaign"),
        event_at=("valid_from",),
        planned=True,
        columns=(
            _id("plan_id"),
            _text("product_line", "Product line.", allowed=PRODUCT_LINES, required=True),
            Column("valid_from", "date", "First day offered.", required=True),
            Column(
                "valid_to",
                "date",
                "First day no longer offered; null while offered.",
                revealed_by="valid_to",
            ),
            Column("price", "price", "Price a month.", unit="major", required=True, minimum=0),
            Column("campaign", "boolean", "Only for new customers.", required=True),
        ),
    ),
    Table(
        "contacts",
        "One row per contact between customer and company.",
        key=("contact_id",),
        event_at=("started_at",),
        columns=(
            _id("contact_id"),
            CUSTOMER_ID,
            Column("started_at", "instant", "When it began.", required=True),
            _text("channel", "Channel used.", allowed=CHANNELS),
            _text("direction", "Who made contact.", allowed=("inbound", "outbound")),
            _text("topic", "What it was about (billing, price, fault, move, …)."),
            _text("case_id", "Case it belongs to; null when not linked."),
            Column("wait_seconds", "integer", "Wait to be answered.", unit="s", minimum=0),
            Column("abandoned", "boolean", "The customer gave up waiting."),
            _text("handled_by", "Who answered.", allowed=("human", "bot")),
            Column("human_requested", "boolean", "The customer asked for a person."),
            Column("transfers", "integer", "Times passed on.", unit="count", minimum=0),
            Column(
                "replied_at",
                "instant",
                "First reply to a written contact.",
                revealed_by="replied_at",
            ),
        ),
    ),
    Table(
        "cases",
        "One row per case. Closed is not the same as resolved.",
        key=("case_id",),
        event_at=("opened_at",),
        columns=(
            _id("case_id"),
            CUSTOMER_ID,
            Column("opened_at", "instant", "When it was opened.", required=True),
            _text("topic", "What it is about."),
            Column("promised_on", "date", "Day by which a solution was promised."),
            Column(
                "closed_at", "instant", "First closing; null while open.", revealed_by="closed_at"
            ),
            Column(
                "resolved",
                "boolean",
                "The problem was solved at the first closing.",
                revealed_by="closed_at",
            ),
            Column(
                "reopened_at",
                "instant",
                "Reopening after the first closing.",
                revealed_by="reopened_at",
            ),
            Column(
                "reclosed_at", "instant", "Closing after the reopening.", revealed_by="reclosed_at"
            ),
        ),
    ),
    Table(
        "incidents",
        "One row per fault or outage and customer hit.",
        key=("incident_id", "customer_id"),
        event_at=("started_at",),
        columns=(
            _id("incident_id"),
            CUSTOMER_ID,
            Column("started_at", "instant", "When it began.", required=True),
            Column(
                "ended_at", "instant", "When it ended; null while it lasts.", revealed_by="ended_at"
            ),
            _text("kind", "Kind of fault."),
            Column("planned", "boolean", "Planned work."),
        ),
    ),
    Table(
        "notifications",
        "One row per message the company sent.",
        key=("notification_id",),
        event_at=("sent_at",),
        columns=(
            _id("notification_id"),
            CUSTOMER_ID,
            Column("sent_at", "instant", "When it was sent.", required=True),
            _text("kind", "What it was for (outage, price, bill, reminder, marketing, …)."),
            _text("channel", "Channel used.", allowed=CHANNELS),
            _text("incident_id", "Incident it told about."),
        ),
    ),
    Table(
        "surveys",
        "One row per answered survey.",
        key=("survey_id",),
        event_at=("answered_at",),
        columns=(
            _id("survey_id"),
            CUSTOMER_ID,
            Column("answered_at", "instant", "When it was answered.", required=True),
            _text("kind", "Question asked.", allowed=("csat", "loyalty", "ces"), required=True),
            Column("score", "number", "Answer, on the scale of its kind.", required=True),
        ),
    ),
    Table(
        "claims",
        "One row per insurance claim: the moment a silent product is used.",
        key=("claim_id",),
        event_at=("claimed_on",),
        columns=(
            _id("claim_id"),
            CUSTOMER_ID,
            Column("claimed_on", "date", "Day of the claim.", required=True),
            Column("claimed", "money", "Amount asked for.", unit="minor", minimum=0),
            Column("paid", "money", "Amount paid out.", unit="minor", minimum=0),
        ),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _TABLES})
