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
MASTER_DATA = ("preferred_channel", "payment_method", "invoice_format", "plan", "segment")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the contract.

    ``money`` is integer minor units (øre, cents); ``price`` is a decimal in major units.
    ``revealed_by`` names the column of the same row whose moment makes this value known:
    before it, features see null. With ``at_once`` a row without that moment has the value from
    the start, so that a company which writes it once and for all need not give the moment.
    """

    name: str
    type: ColumnType
    doc: str
    unit: str = ""
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    revealed_by: str | None = None
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the contract.

    ``event_at`` lists the columns whose earliest non-null value is when the row happened.
    ``planned`` tables may hold events that lie ahead, such as a contract that starts next
    month. ``derived`` tables are never given: they are made from others when the snapshot is
    taken. Tables without ``customer_id`` are small dimensions, given whole to every shard.
    ``versions`` tables may have rows of one key that replace each other: every stream takes
    their rows one by one, by ``versions_<table>()``, and carries ``replaced_at``.
    """

    name: str
    doc: str
    key: tuple[str, ...]
    event_at: tuple[str, ...]
    columns: tuple[Column, ...]
    required: bool = False
    planned: bool = False
    derived: bool = False
    versions: bool = False

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


_OPENED = Column(
    "opened_at",
    "instant",
    "When the customer opened it; null when never.",
    revealed_by="opened_at",
)


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
            _text(
                "segment",
                "Customer segment, as the company names it; declared static, or its history given "
                "in master_data.",
            ),
            Column(
                "margin_per_year",
                "money",
                "What the customer leaves a year; the newest estimate, as no model sees it.",
                unit="minor",
            ),
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
            _text(
                "plan_id",
                "Price plan at the start of the contract; a later one is given in master_data.",
            ),
            Column("started_on", "date", "First day of the contract.", required=True),
            Column("price", "price", "Price a month at the start.", unit="major", minimum=0),
            Column(
                "binding_until",
                "date",
                "Last day of the binding period agreed at the start; null without one. A renewal "
                "is a contract of its own.",
            ),
            _text(
                "bundle_id",
                "Bundle that the contract was sold in at the start; null outside bundles.",
            ),
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
            Column(
                "effective_on",
                "date",
                "Last day of the contract, as the notice said.",
                required=True,
            ),
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
            Column(
                "failed_on",
                "date",
                "Day a payment that had been taken came back, as a returned debit; null else.",
                revealed_by="failed_on",
            ),
            Column(
                "failed",
                "boolean",
                "The attempt failed: at once, or on failed_on.",
                revealed_by="failed_on",
                at_once=True,
            ),
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
            Column(
                "linked_at",
                "instant",
                "When it was linked to its case, if later than it began.",
                revealed_by="linked_at",
            ),
            Column(
                "case_id",
                "text",
                "Case it belongs to; null when not linked.",
                revealed_by="linked_at",
                at_once=True,
            ),
            Column("wait_seconds", "integer", "Wait to be answered.", unit="s", minimum=0),
            Column("abandoned", "boolean", "The customer gave up waiting."),
            _text("handled_by", "Who answered.", allowed=("human", "bot")),
            Column("human_requested", "boolean", "The customer asked for a person."),
            Column(
                "transfers",
                "integer",
                "Times passed on before it ended.",
                unit="count",
                minimum=0,
            ),
            _text(
                "unavailable_channel",
                "Channel that the customer tried first and found closed; null otherwise.",
                allowed=CHANNELS,
            ),
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
            Column(
                "promised_on",
                "date",
                "Day by which a solution was first promised; a later promise does not move it.",
            ),
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
            _text("site_id", "Line, meter or address hit; null when not known."),
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
            _text("kind", "What it was for (outage, price, bill, reminder, survey, marketing, …)."),
            _text("channel", "Channel used.", allowed=CHANNELS),
            _text("incident_id", "Incident it told about."),
            Column("personalised", "boolean", "Written for this customer's own situation."),
            _text("template_id", "Approved template it was made from; null for free text."),
            Column("stated_price", "price", "Price a month that it states.", unit="major"),
            Column("promised_end_at", "instant", "End of the incident that it promised."),
            _OPENED,
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
            Column(
                "score",
                "number",
                "Answer: csat 1–5, loyalty 0–10, ces 1–7 where 7 is the most effort.",
                required=True,
            ),
        ),
    ),
    Table(
        "claims",
        "One row per insurance claim: the moment a silent product is used.",
        key=("claim_id",),
        event_at=("claimed_on",),
        versions=True,
        columns=(
            _id("claim_id"),
            CUSTOMER_ID,
            Column("claimed_on", "date", "Day of the claim.", required=True),
            Column("claimed", "money", "Amount asked for.", unit="minor", minimum=0),
            Column(
                "settled_on",
                "date",
                "Day it was decided what is paid; null until then.",
                revealed_by="settled_on",
            ),
            Column(
                "paid",
                "money",
                "Amount paid out.",
                unit="minor",
                minimum=0,
                revealed_by="settled_on",
            ),
        ),
    ),
    Table(
        "orders",
        "One row per order with a day of delivery: a connection, a move, a router, a repair.",
        key=("order_id",),
        event_at=("ordered_on",),
        versions=True,
        columns=(
            _id("order_id"),
            CUSTOMER_ID,
            Column("ordered_on", "date", "Day of the order.", required=True),
            Column(
                "promised_on",
                "date",
                "Day of delivery promised with the order; a later promise does not move it.",
            ),
            Column(
                "delivered_on",
                "date",
                "Day delivered; null until then.",
                revealed_by="delivered_on",
            ),
            _text("kind", "What was ordered."),
        ),
    ),
    Table(
        "complaints",
        "One row per formal complaint.",
        key=("complaint_id",),
        event_at=("opened_at",),
        versions=True,
        columns=(
            _id("complaint_id"),
            CUSTOMER_ID,
            Column("opened_at", "instant", "When it was made.", required=True),
            _text("topic", "What it is about."),
            Column(
                "closed_at",
                "instant",
                "When it was decided; null while open.",
                revealed_by="closed_at",
            ),
        ),
    ),
    Table(
        "meter_readings",
        "One row per meter reading that was due.",
        key=("reading_id",),
        event_at=("due_on",),
        versions=True,
        columns=(
            _id("reading_id"),
            CUSTOMER_ID,
            Column("due_on", "date", "Day the reading was due.", required=True),
            Column(
                "settled_on",
                "date",
                "Day that settled it; null when it has been as it is from the day it was due.",
                revealed_by="settled_on",
            ),
            Column(
                "status",
                "text",
                "What came of it; missing until it is settled.",
                required=True,
                allowed=("read", "missing", "estimated"),
                revealed_by="settled_on",
                at_once=True,
            ),
        ),
    ),
    Table(
        "self_service",
        "One row per task that the customer began in self-service.",
        key=("session_id",),
        event_at=("started_at",),
        columns=(
            _id("session_id"),
            CUSTOMER_ID,
            Column("started_at", "instant", "When it began.", required=True),
            _text("task", "What the customer wanted done."),
            Column("completed", "boolean", "The task was finished.", required=True),
            Column("seconds", "integer", "Time spent.", unit="s", minimum=0),
        ),
    ),
    Table(
        "offers",
        "One row per offer sent to the customer.",
        key=("offer_id",),
        event_at=("sent_at",),
        versions=True,
        columns=(
            _id("offer_id"),
            CUSTOMER_ID,
            Column("sent_at", "instant", "When it was sent.", required=True),
            _text("kind", "What was offered."),
            Column("personalised", "boolean", "Chosen for this customer's own situation."),
            _OPENED,
            Column(
                "answered_at",
                "instant",
                "When the customer answered; null without an answer.",
                revealed_by="answered_at",
            ),
            Column("accepted", "boolean", "The answer was yes.", revealed_by="answered_at"),
        ),
    ),
    Table(
        "consents",
        "One row per change of a consent: the latest of a channel and purpose is in force.",
        key=("consent_id",),
        event_at=("changed_at",),
        columns=(
            _id("consent_id"),
            CUSTOMER_ID,
            Column("changed_at", "instant", "When the customer changed it.", required=True),
            _text("channel", "Channel it is about.", allowed=CHANNELS, required=True),
            _text(
                "purpose",
                "What the channel may be used for.",
                allowed=("service", "marketing"),
                required=True,
            ),
            Column("allowed", "boolean", "The customer allows it.", required=True),
        ),
    ),
    Table(
        "contact_bars",
        "One row per bar on contacting a customer: an objection of the customer's own, or a mark "
        "of the company's.",
        key=("bar_id",),
        event_at=("barred_at",),
        versions=True,
        columns=(
            _id("bar_id"),
            CUSTOMER_ID,
            Column("barred_at", "instant", "When it was put.", required=True),
            _text(
                "reason",
                "Why: the customer objected, or is vulnerable, which bars every channel.",
                allowed=("opted_out", "vulnerable"),
                required=True,
            ),
            _text("channel", "Channel that it closes; null for all.", allowed=CHANNELS),
            Column(
                "lifted_at",
                "instant",
                "When it was lifted; null while it holds.",
                revealed_by="lifted_at",
            ),
        ),
    ),
    Table(
        "reservations",
        "One row per customer and look-up in the public register of those who want no marketing "
        "by phone or post.",
        key=("customer_id", "looked_up_on"),
        event_at=("looked_up_on",),
        columns=(
            CUSTOMER_ID,
            Column("looked_up_on", "date", "Day the register was asked.", required=True),
            Column("reserved_phone", "boolean", "Reserved against calls.", required=True),
            Column("reserved_post", "boolean", "Reserved against addressed post.", required=True),
        ),
    ),
    Table(
        "benefits",
        "One row per benefit granted for being a customer.",
        key=("benefit_id",),
        event_at=("granted_on",),
        versions=True,
        columns=(
            _id("benefit_id"),
            CUSTOMER_ID,
            Column("granted_on", "date", "First day it holds.", required=True),
            _text("kind", "Kind of benefit.", allowed=("loyalty", "discount", "bonus")),
            Column("ends_on", "date", "Last day it holds, known when granted; null without one."),
            Column(
                "used_at",
                "instant",
                "When it was first used; null until then.",
                revealed_by="used_at",
            ),
        ),
    ),
    Table(
        "market_price",
        "One row per product line and month: what the market asks for a typical contract.",
        key=("product_line", "month"),
        event_at=("month",),
        planned=True,
        columns=(
            _text("product_line", "Product line.", allowed=PRODUCT_LINES, required=True),
            Column("month", "date", "First day it holds.", required=True),
            Column("price", "price", "Price a month.", unit="major", required=True, minimum=0),
        ),
    ),
    Table(
        "households",
        "One row per change of the household that a customer belongs to.",
        key=("customer_id", "valid_from"),
        event_at=("valid_from",),
        columns=(
            CUSTOMER_ID,
            _text("household_id", "Household from that day; null when in none."),
            Column("valid_from", "date", "First day in it.", required=True),
        ),
    ),
    Table(
        "household_notices",
        "One row per member of a household and notice given by another member of it. Made from "
        "households and terminations when the snapshot is taken; never given.",
        key=("notice_id",),
        event_at=("notified_on",),
        derived=True,
        columns=(
            _id("notice_id"),
            CUSTOMER_ID,
            Column("notified_on", "date", "Day the other member gave notice.", required=True),
            _text("outcome", "What ended the other's contract.", allowed=OUTCOMES, required=True),
        ),
    ),
    Table(
        "treatments",
        "One row per customer and action that the CRM reports back, treated or held out.",
        key=("treatment_id",),
        event_at=("treated_at",),
        versions=True,
        columns=(
            _id("treatment_id"),
            CUSTOMER_ID,
            Column("treated_at", "instant", "When it was done or withheld.", required=True),
            _text("action", "Action of the list."),
            _text("channel", "Channel used.", allowed=CHANNELS),
            Column("contacted", "boolean", "The customer was reached; reported when settled."),
            _text("arm", "Drawn for treatment or held out.", allowed=("treat", "holdout")),
            Column("published_on", "date", "As-of date of the list that it belongs to."),
            _text("lane", "Lane of the list."),
            _text(
                "answer",
                "What a reached customer said to what was offered.",
                allowed=("yes", "no", "undecided"),
            ),
        ),
    ),
    Table(
        "master_data",
        "One row per change of a customer's master data: the latest of an attribute is in force.",
        key=("customer_id", "attribute", "valid_from"),
        event_at=("valid_from",),
        columns=(
            CUSTOMER_ID,
            _text("attribute", "What changed.", allowed=MASTER_DATA, required=True),
            _text("value", "The new value, in the contract's own words; null when withdrawn."),
            Column("valid_from", "instant", "When it changed.", required=True),
        ),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _TABLES})
