"""The data contract: what a company's tables mean, column by column.

One declaration, from which validation, the documentation page and the JSON Schema are made.
Every row of every event table carries two instants, computed when the snapshot is written:
``event_at``, when it happened, and ``known_at``, when it could be known (never before it
happened). Both are naive UTC timestamps; a date counts from its local midnight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
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

POSSIBLE_DAYS = (date(1900, 1, 1), date(2199, 12, 31))
"""First and last day that can be true: outside lie fillers and misread centuries."""

# Nobody waits, or stays in one task, for longer than this: a larger number has another unit.
_MONTH_SECONDS = 30 * 86_400

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

# What the product has names for in every language; a company's own words are as good.
PRODUCT_LINES = ("electricity", "broadband", "telephony", "insurance")
CHANNELS = ("phone", "email", "chat", "sms", "app", "web", "store", "post")
OUTCOMES = ("voluntary", "moved", "deceased", "end_of_supply", "non_payment", "company")
PAYMENT_METHODS = ("autopay", "einvoice", "mobile", "card", "manual")
REASON_KINDS = ("cost", "index", "tax", "offer_end", "other")
SURVEYS = ("csat", "loyalty", "ces", "informed")
LINKS = ("order", "case", "invoice")
MASTER_DATA = ("preferred_channel", "payment_method", "invoice_format", "plan", "segment")


PRICE_NOTICE = MappingProxyType(dict.fromkeys(PRODUCT_LINES, 30))
"""Days of notice of a price rise: for electricity by Norway's price information regulation, for
telecom by art. 105 of the European code; an insurance premium rises at the renewal."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the contract.

    Words of the ``vocabulary`` have names in every language of the lists, and a company may have
    others beside them; ``allowed`` words are all there are.
    ``money`` is integer minor units (øre, cents); ``price`` is a decimal in major units.
    ``minimum`` and ``maximum`` bound what is possible, both inclusive, in the column's own unit;
    a date or instant lies within ``POSSIBLE_DAYS``.
    ``revealed_by`` names the column of the same row whose moment makes this value known:
    before it, features see null. With ``at_once`` a row without that moment has the value from
    the start, so that a company which writes it once and for all need not give the moment.
    """

    name: str
    doc: str
    type: ColumnType
    unit: str = ""
    required: bool = False
    allowed: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    revealed_by: str | None = None
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the contract.

    ``event_at`` lists the columns whose earliest non-null value is when the row happened.
    ``planned`` tables may hold events that lie ahead, such as a contract that starts next
    month. ``derived`` tables are never given: they are made from others when the snapshot is
    taken. Tables without ``customer_id`` are small dimensions, given whole to every shard.
    Of ``versions`` tables, which may have rows of one key that replace each other, every stream
    takes the rows one by one, by ``versions_<table>()``, and carries ``replaced_at``.
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

    @property
    def may_have_versions(self) -> bool:
        """Whether rows of one key may replace each other: those of events that features read.

        Who is a customer, and what is allowed, is read beside the features, from whole tables.
        """
        return self.per_customer and not self.derived and self.name not in _WITHOUT_VERSIONS

    def column(self, name: str) -> Column:
        """Return the column called ``name``; raises ``KeyError`` when the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")


_WITHOUT_VERSIONS = (
    *("customers", "contracts", "terminations", "labels", "households", "master_data"),
    *("consents", "reservations"),
)

CUSTOMER_ID = Column("customer_id", "The customer's pseudonym or CRM key.", "text", required=True)

_text = partial(Column, type="text")
_day = partial(Column, type="date")
_moment = partial(Column, type="instant")
_flag = partial(Column, type="boolean")
_number = partial(Column, type="number", minimum=0)
_whole = partial(Column, type="integer")
_money = partial(Column, type="money", unit="minor")
_price = partial(Column, type="price", unit="major")


def _later(name: str, doc: str, type: ColumnType = "instant") -> Column:
    """A moment that is known when it has come."""
    return Column(name, doc, type, revealed_by=name)


_LINE = _text(
    "product_line",
    "Product line, in the company's own word, the same in every table.",
    vocabulary=PRODUCT_LINES,
    required=True,
)


def _table(
    name: str,
    doc: str,
    key: str | tuple[str, ...],
    *columns: Column,
    event_at: tuple[str, ...] = (),
    **flags: bool,
) -> Table:
    """A table whose rows happen at the first of their required times, unless ``event_at`` says.

    A ``key`` of one name is a column of its own, before the customer's.
    """
    times = [c.name for c in columns if c.required and c.type in ("date", "instant")]
    if isinstance(key, str):
        columns = (_text(key, "Key of the row.", required=True), CUSTOMER_ID, *columns)
        key = (key,)
    return Table(name, doc, key, event_at or (times[0],), columns, **flags)


_TABLES = (
    _table(
        "customers",
        "One row per customer. Only facts that never change; the rest is read as events.",
        ("customer_id",),
        CUSTOMER_ID,
        _day("joined_on", "First day as a customer."),
        _text(
            "segment",
            "Customer segment, as the company names it; declared static, or its history given "
            "in master_data.",
        ),
        _money(
            "margin_per_year",
            "What the customer leaves a year; the newest estimate, as no model sees it.",
        ),
        _text("age_band", "Age band today; no model sees it: docs/monitoring.md compares by it."),
        _text("language", "Language the customer is served in; likewise, no model sees it."),
        _text("team", "Team that works on the customer's lists; as of now, as no model sees it."),
        event_at=("joined_on",),
        required=True,
    ),
    _table(
        "contracts",
        "One row per contract and product line.",
        "contract_id",
        _LINE,
        _text(
            "plan_id",
            "Price plan at the start of the contract; a later one is given in master_data.",
        ),
        _day("started_on", "First day of the contract.", required=True),
        _price("price", "Price a month at the start.", minimum=0),
        _day(
            "binding_until",
            "Last day of the binding period agreed at the start; null without one. A renewal "
            "is a contract of its own.",
        ),
        _whole(
            "term_months",
            "Months after which the contract renews itself, counted from its first day, as a "
            "policy does each year; null for one that runs on.",
            unit="months",
            minimum=1,
        ),
        _text(
            "bundle_id", "Bundle that the contract was sold in at the start; null outside bundles."
        ),
        planned=True,
    ),
    _table(
        "terminations",
        "One row per contract whose end has been notified. Without it no contract has ended.",
        "contract_id",
        _day("notified_on", "Day the notice was given.", required=True),
        _day("effective_on", "Last day of the contract, as the notice said.", required=True),
        _text("outcome", "What ended the contract.", allowed=OUTCOMES, required=True),
    ),
    _table(
        "labels",
        "Outcomes a company gives ready-made, when it has no dated terminations.",
        ("customer_id", "as_of"),
        CUSTOMER_ID,
        _day("as_of", "Day the row's facts are seen from.", required=True),
        _flag("churned", "Left by own will within the horizon.", required=True),
    ),
    _table(
        "invoices",
        "One row per invoice or credit note.",
        "invoice_id",
        _text(
            "contract_id",
            "Contract billed; give it where a customer's contracts are billed apart. Without it a "
            "bill is compared with the one nearest in day and amount of each month before.",
        ),
        _day("issued_on", "Day of issue.", required=True),
        _day("due_on", "Last day to pay."),
        _money(
            "amount",
            "Amount to pay; below zero only on a row that corrects another.",
            required=True,
        ),
        _whole("n_lines", "Lines on the invoice.", unit="count", minimum=0),
        _flag("estimated", "Billed from an estimate."),
        _text(
            "corrects_invoice_id",
            "Invoice that this one corrects: an amount below zero is credited to it, one above "
            "replaces it; null otherwise.",
        ),
        _text("format", "How it was sent.", allowed=("paper", "email", "einvoice", "app")),
        _money("paper_fee", "Fee for paper.", minimum=0),
    ),
    _table(
        "payments",
        "One row per payment or attempt to pay.",
        "payment_id",
        _text(
            "invoice_id",
            "Invoice paid, or paid back; without one it may be any invoice before the payment.",
        ),
        _day("paid_on", "Day of the payment or the attempt.", required=True),
        _money(
            "amount",
            "Amount paid, below zero for one paid back; null for one that is not known, which "
            "pays the whole invoice.",
        ),
        _text("method", "Way of paying.", allowed=PAYMENT_METHODS),
        _later(
            "failed_on",
            "Day a payment that had been taken came back, as a returned debit; null else.",
            "date",
        ),
        _flag(
            "failed",
            "The attempt failed: at once, or on failed_on.",
            revealed_by="failed_on",
            at_once=True,
        ),
    ),
    _table(
        "usage",
        "One row per contract and month in which it was used.",
        "usage_id",
        _text("contract_id", "Contract used.", required=True),
        _day("ended_on", "Last day of the month.", required=True),
        _number("amount", "Usage, in the unit of price_list.usage.", required=True),
    ),
    _table(
        "reminders",
        "One row per payment reminder sent.",
        "reminder_id",
        _text("invoice_id", "Invoice reminded of."),
        _day("sent_on", "Day sent.", required=True),
        _whole("stage", "1 or null: first of a bill, 2: later, 3 on: debt collection.", minimum=1),
        _money("fee", "Fee charged.", minimum=0),
    ),
    _table(
        "payment_method_events",
        "One row per step in setting up or ending a way of paying or of receiving invoices.",
        "event_id",
        _moment("occurred_at", "When the step was taken.", required=True),
        _text("method", "Way of paying.", allowed=PAYMENT_METHODS, required=True),
        _text(
            "step",
            "Step taken.",
            allowed=("started", "completed", "error", "cancelled"),
            required=True,
        ),
    ),
    _table(
        "price_changes",
        "One row per change of a contract's price; it happens at the notice, else when in force.",
        "change_id",
        _text("contract_id", "Contract whose price changes."),
        _later("notified_on", "Day the customer was told; null when never told.", "date"),
        _day("effective_on", "First day of the new price.", required=True),
        _price("old_price", "Price before.", required=True, minimum=0),
        _price("new_price", "Price after.", required=True, minimum=0),
        _text("reason_code", "Reason given to the customer; null when none was given."),
        _text("reason_kind", "Kind of that reason.", allowed=REASON_KINDS),
        _text("channel", "Channel of the notice.", allowed=CHANNELS),
        event_at=("notified_on", "effective_on"),
        planned=True,
    ),
    _table(
        "price_list",
        "One row per plan and period: what new customers are offered.",
        ("plan_id", "valid_from", "campaign"),
        _text("plan_id", "Key of the row.", required=True),
        _LINE,
        _day("valid_from", "First day offered.", required=True),
        _later("valid_to", "First day no longer offered; null while offered.", "date"),
        _price("price", "Price a month.", required=True, minimum=0),
        _flag("campaign", "Only for new customers.", required=True),
        _number("usage", "Usage a month that the plan is made for; what was known first counts."),
        planned=True,
    ),
    _table(
        "contacts",
        "One row per contact between customer and company.",
        "contact_id",
        _moment("started_at", "When it began.", required=True),
        _text("channel", "Channel used.", allowed=CHANNELS),
        _text(
            "direction",
            "Who made contact; null counts as inbound.",
            allowed=("inbound", "outbound"),
        ),
        _text("topic", "What it was about (billing, price, fault, move, …)."),
        _later("linked_at", "When it was linked to its case, if later than it began."),
        _text(
            "case_id",
            "Case it belongs to; null when not linked.",
            revealed_by="linked_at",
            at_once=True,
        ),
        _whole("wait_seconds", "Wait to be answered.", unit="s", minimum=0, maximum=_MONTH_SECONDS),
        _flag("abandoned", "The customer gave up waiting."),
        _text("handled_by", "Who answered.", allowed=("human", "bot")),
        _flag("human_requested", "The customer asked for a person."),
        _whole("transfers", "Times passed on before it ended.", unit="count", minimum=0),
        _text(
            "unavailable_channel",
            "Channel that the customer tried first and found closed; null otherwise.",
            allowed=CHANNELS,
        ),
        _later("replied_at", "First reply to a written contact."),
    ),
    _table(
        "cases",
        "One row per case. Closed is not the same as resolved.",
        "case_id",
        _moment("opened_at", "When it was opened.", required=True),
        _text("topic", "What it is about."),
        _day(
            "promised_on",
            "Day by which a solution was first promised; a later promise does not move it.",
        ),
        _later("closed_at", "First closing; null while open."),
        _flag("resolved", "The problem was solved at the first closing.", revealed_by="closed_at"),
        _later("reopened_at", "Reopening after the first closing."),
        _later("reclosed_at", "Closing after the reopening."),
    ),
    _table(
        "incidents",
        "One row per fault or outage and customer hit.",
        ("incident_id", "customer_id"),
        _text("incident_id", "Key of the row.", required=True),
        CUSTOMER_ID,
        _moment("started_at", "When it began.", required=True),
        _later("ended_at", "When it ended; null while it lasts."),
        _text("kind", "Kind of fault."),
        _flag("planned", "Planned work; null counts as a fault."),
        _text("site_id", "Line, meter or address hit; null when not known."),
    ),
    _table(
        "notifications",
        "One row per message the company sent.",
        "notification_id",
        _moment("sent_at", "When it was sent.", required=True),
        _text("kind", "What it was for (outage, price, bill, reminder, survey, marketing, …)."),
        _text("channel", "Channel used.", allowed=CHANNELS),
        _text("incident_id", "Incident it told about."),
        *(_text(f"{what}_id", f"{what.title()} it told about.") for what in LINKS),
        _flag("personalised", "Written for this customer's own situation."),
        _text("template_id", "Approved template it was made from; null for free text."),
        _price("stated_price", "Price a month that it states."),
        _moment("promised_end_at", "End of the incident that it promised."),
        _later("opened_at", "When the customer opened it; null when never."),
    ),
    _table(
        "surveys",
        "One row per answered survey.",
        "survey_id",
        _moment("answered_at", "When it was answered.", required=True),
        _text("kind", "Question asked.", allowed=SURVEYS, required=True),
        _number(
            "score",
            "Answer: csat 1–5, loyalty 0–10, ces 1–7 where 7 is the most effort, informed (how "
            "well the customer feels informed) 1–5.",
            required=True,
            maximum=10,
        ),
    ),
    _table(
        "claims",
        "One row per insurance claim: the moment a silent product is used.",
        "claim_id",
        _day("claimed_on", "Day of the claim.", required=True),
        _money("claimed", "Amount asked for.", minimum=0),
        _later("settled_on", "Day it was decided what is paid; null until then.", "date"),
        _money("paid", "Amount paid out.", minimum=0, revealed_by="settled_on"),
        versions=True,
    ),
    _table(
        "orders",
        "One row per order with a day of delivery: a connection, a move, a router, a repair.",
        "order_id",
        _day("ordered_on", "Day of the order.", required=True),
        _day(
            "promised_on",
            "Day of delivery promised with the order; a later promise does not move it.",
        ),
        _later("delivered_on", "Day delivered; null until then.", "date"),
        _text("kind", "What was ordered."),
        versions=True,
    ),
    _table(
        "complaints",
        "One row per formal complaint.",
        "complaint_id",
        _moment("opened_at", "When it was made.", required=True),
        _text("topic", "What it is about."),
        _later("closed_at", "When it was decided; null while open."),
        versions=True,
    ),
    _table(
        "meter_readings",
        "One row per meter reading that was due.",
        "reading_id",
        _day("due_on", "Day the reading was due.", required=True),
        _later(
            "settled_on",
            "Day that settled it; null when it has been as it is from the day it was due.",
            "date",
        ),
        _text(
            "status",
            "What came of it; missing until it is settled.",
            required=True,
            allowed=("read", "missing", "estimated"),
            revealed_by="settled_on",
            at_once=True,
        ),
        versions=True,
    ),
    _table(
        "self_service",
        "One row per task that the customer began in self-service.",
        "session_id",
        _moment("started_at", "When it began.", required=True),
        _text("task", "What the customer wanted done."),
        _flag("completed", "The task was finished.", required=True),
        _whole("seconds", "Time spent.", unit="s", minimum=0, maximum=_MONTH_SECONDS),
    ),
    _table(
        "offers",
        "One row per offer sent to the customer.",
        "offer_id",
        _moment("sent_at", "When it was sent.", required=True),
        _text("kind", "What was offered."),
        _flag("personalised", "Chosen for this customer's own situation."),
        _later("opened_at", "When the customer opened it; null when never."),
        _later("answered_at", "When the customer answered; null without an answer."),
        _flag("accepted", "The answer was yes.", revealed_by="answered_at"),
        versions=True,
    ),
    _table(
        "consents",
        "One row per change of a consent: the latest of a channel and purpose is in force.",
        "consent_id",
        _moment("changed_at", "When the customer changed it.", required=True),
        _text("channel", "Channel it is about.", allowed=CHANNELS, required=True),
        _text(
            "purpose",
            "What the channel may be used for.",
            allowed=("service", "marketing"),
            required=True,
        ),
        _flag("allowed", "The customer allows it.", required=True),
    ),
    _table(
        "contact_bars",
        "One row per bar on contacting a customer: an objection of the customer's own, or a mark "
        "of the company's.",
        "bar_id",
        _moment("barred_at", "When it was put.", required=True),
        _text(
            "reason",
            "Why: the customer objected, or is vulnerable, which bars every channel.",
            allowed=("opted_out", "vulnerable"),
            required=True,
        ),
        _text("channel", "Channel that it closes; null for all.", allowed=CHANNELS),
        _later("lifted_at", "When it was lifted; null while it holds."),
        versions=True,
    ),
    _table(
        "reservations",
        "One row per customer and look-up in the public register of those who want no marketing "
        "by phone or post.",
        ("customer_id", "looked_up_on"),
        CUSTOMER_ID,
        _day("looked_up_on", "Day the register was asked.", required=True),
        _flag("reserved_phone", "Reserved against calls.", required=True),
        _flag("reserved_post", "Reserved against addressed post.", required=True),
    ),
    _table(
        "benefits",
        "One row per benefit granted for being a customer.",
        "benefit_id",
        _day("granted_on", "First day it holds.", required=True),
        _text("kind", "Kind of benefit.", allowed=("loyalty", "discount", "bonus")),
        _day("ends_on", "Last day it holds, known when granted; null without one."),
        _later("used_at", "When it was first used; null until then."),
        versions=True,
    ),
    _table(
        "market_price",
        "One row per product line and month: what the market asks for a typical contract.",
        ("product_line", "month"),
        _LINE,
        _day("month", "First day it holds.", required=True),
        _price("price", "Price a month.", required=True, minimum=0),
        planned=True,
    ),
    _table(
        "households",
        "One row per change of the household that a customer belongs to.",
        ("customer_id", "valid_from"),
        CUSTOMER_ID,
        _text("household_id", "Household from that day; null when in none."),
        _day("valid_from", "First day in it.", required=True),
    ),
    _table(
        "household_notices",
        "One row per member of a household and notice given by another member of it. Made from "
        "households and terminations when the snapshot is taken; never given.",
        "notice_id",
        _day("notified_on", "Day the other member gave notice.", required=True),
        _text("outcome", "What ended the other's contract.", allowed=OUTCOMES, required=True),
        derived=True,
    ),
    _table(
        "treatments",
        "One row per customer and action that the CRM reports back, treated or held out.",
        "treatment_id",
        _moment("treated_at", "When it was done or withheld.", required=True),
        _text("action", "Action of the list."),
        _text("channel", "Channel used.", allowed=CHANNELS),
        _flag("contacted", "The customer was reached; reported when settled."),
        _text("arm", "Drawn for treatment or held out.", allowed=("treat", "holdout")),
        _day("published_on", "As-of date of the list that it belongs to."),
        _text("lane", "Lane of the list."),
        _text(
            "answer",
            "What a reached customer said to what was offered.",
            allowed=("yes", "no", "undecided"),
        ),
        _flag("solved", "What troubled the customer was solved, as the one who did it reports."),
        versions=True,
    ),
    _table(
        "master_data",
        "One row per change of a customer's master data: the latest of an attribute is in force.",
        ("customer_id", "attribute", "valid_from"),
        CUSTOMER_ID,
        _text("attribute", "What changed.", allowed=MASTER_DATA, required=True),
        _text("value", "The new value, in the contract's own words; null when withdrawn."),
        _moment("valid_from", "When it changed.", required=True),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _TABLES})
