"""Every column of the contract says when its value is known, or why it never changes."""

from features.contract import TABLES

_ACT = "what was done is written when it is done"
_AGREED = "agreed at the start; what is agreed later is a row of its own"
_DOCUMENT = "printed on what was sent"
_ANSWER = "the answer as it was given"
_HAPPENED = "when it happened"
_POINTER = "names what the row is about, which is there before it"
_LIST = "the row is one offer at one price; another price is another row"
_FIRST = "the first promise; a later one does not move it"

FIXED = {
    "customers": {
        "joined_on": _HAPPENED,
        "margin_per_year": "the newest estimate, as no model sees it",
        "segment": "declared static, or read from master_data",
        **dict.fromkeys(("age_band", "language", "team"), "as of now, as no model sees it"),
    },
    "contracts": dict.fromkeys(
        (
            *("product_line", "plan_id", "started_on", "price"),
            *("binding_until", "term_months", "bundle_id"),
        ),
        _AGREED,
    ),
    "terminations": {
        "notified_on": _HAPPENED,
        "effective_on": "as the notice said",
        "outcome": "as the notice said",
    },
    "labels": {"churned": "known when the horizon is over; never a feature"},
    "invoices": dict.fromkeys(
        (
            "issued_on",
            "due_on",
            "amount",
            "n_lines",
            "estimated",
            "contract_id",
            "corrects_invoice_id",
            "format",
            "paper_fee",
        ),
        _DOCUMENT,
    ),
    "payments": {"invoice_id": _POINTER, "paid_on": _HAPPENED, "amount": _ACT, "method": _ACT},
    "reminders": {
        "invoice_id": _POINTER,
        "sent_on": _HAPPENED,
        "stage": _DOCUMENT,
        "fee": _DOCUMENT,
    },
    "payment_method_events": {"occurred_at": _HAPPENED, "method": _ACT, "step": _ACT},
    "price_changes": {
        "contract_id": _POINTER,
        **dict.fromkeys(("effective_on", "old_price", "new_price", "channel"), _ACT),
        **dict.fromkeys(("reason_code", "reason_kind"), _DOCUMENT),
    },
    "price_list": {"product_line": _LIST, "price": _LIST, "usage": _LIST},
    "contacts": {
        "started_at": _HAPPENED,
        **dict.fromkeys(
            (
                "channel",
                "direction",
                "topic",
                "wait_seconds",
                "abandoned",
                "handled_by",
                "human_requested",
                "transfers",
                "unavailable_channel",
            ),
            "written when the contact ended",
        ),
    },
    "cases": {"opened_at": _HAPPENED, "topic": "as it was opened", "promised_on": _FIRST},
    "incidents": {
        "started_at": _HAPPENED,
        "kind": _ACT,
        "planned": _ACT,
        "site_id": "where it hit",
    },
    "usage": {"contract_id": _POINTER, "ended_on": _HAPPENED, "amount": "metered by then"},
    "notifications": {
        "sent_at": _HAPPENED,
        **dict.fromkeys(("incident_id", "order_id", "case_id", "invoice_id"), _POINTER),
        **dict.fromkeys(
            ("kind", "channel", "personalised", "template_id", "stated_price", "promised_end_at"),
            _DOCUMENT,
        ),
    },
    "surveys": {"answered_at": _HAPPENED, "kind": _ANSWER, "score": _ANSWER},
    "claims": {"claimed_on": _HAPPENED, "claimed": "asked for with the claim"},
    "orders": {"ordered_on": _HAPPENED, "promised_on": _FIRST, "kind": _AGREED},
    "complaints": {"opened_at": _HAPPENED, "topic": "as it was made"},
    "meter_readings": {"due_on": _HAPPENED},
    "self_service": {
        "started_at": _HAPPENED,
        **dict.fromkeys(("task", "completed", "seconds"), "written when the session ended"),
    },
    "offers": {"sent_at": _HAPPENED, "kind": _DOCUMENT, "personalised": _DOCUMENT},
    "consents": dict.fromkeys(("changed_at", "channel", "purpose", "allowed"), _ACT),
    "benefits": {"granted_on": _HAPPENED, "kind": _AGREED, "ends_on": "known when granted"},
    "market_price": {"price": _LIST},
    "households": {"household_id": "a change is a row of its own"},
    "household_notices": {"notified_on": _HAPPENED, "outcome": "as the notice said"},
    "treatments": {
        "treated_at": _HAPPENED,
        **dict.fromkeys(
            (
                *("action", "channel", "contacted", "arm", "published_on", "lane", "answer"),
                "solved",
            ),
            "reported when settled",
        ),
    },
    "master_data": {"value": "a change is a row of its own"},
    "contact_bars": {
        "barred_at": _HAPPENED,
        **dict.fromkeys(("reason", "channel"), "another bar is a row of its own"),
    },
    "reservations": dict.fromkeys(
        ("reserved_phone", "reserved_post"), "as the register said that day"
    ),
}


def test_every_column_is_revealed_or_says_why_it_is_fixed_when_its_row_is_born() -> None:
    unrevealed = {
        table.name: {
            column.name
            for column in table.columns
            if column.revealed_by is None and column.name not in {"customer_id", *table.key}
        }
        for table in TABLES.values()
    }
    assert {name: set(reasons) for name, reasons in FIXED.items()} == unrevealed


def test_what_reveals_a_value_is_a_moment_of_the_same_row() -> None:
    for table in TABLES.values():
        for column in table.columns:
            if column.revealed_by is not None:
                moment = table.column(column.revealed_by)
                assert moment.type in ("date", "instant")
                assert not moment.required
            assert column.revealed_by is not None or not column.at_once
