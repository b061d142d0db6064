"""The sentence templates of one language, read from configs/reasons/ and checked as a whole."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml
from babel import Locale, UnknownLocaleError

from features.errors import ConfigError
from pipelines.lists.wording import FORMATS, FactType, Style

Direction = Literal["raises", "lowers"]
DIRECTIONS: tuple[Direction, ...] = ("raises", "lowers")
LONGEST = 140

DRIVERS: tuple[str, ...] = (
    *("bill_shock", "bill_correction", "unclear_bill", "dunning", "payment_failure"),
    *("payment_method", "payment_setup", "missing_reading"),
    *("price_rise", "silent_price_rise", "newcomer_offer", "closed_tariff", "binding", "bundle"),
    *("loyalty_benefit", "market_gap"),
    *("wait", "unresolved_case", "late_delivery", "bot_loop", "fault_response"),
    *("repeat_contact", "scattered_history", "self_service", "complaint"),
    *("uninformed_incident", "noise", "contradicting_message"),
    *("forced_channel", "channel_mix", "satisfaction", "survey_silence"),
    *("tenure", "product", "contact_volume", "claims", "household", "benefits_used", "outreach"),
    "profile",
)
UNCHANGEABLE: tuple[str, ...] = (
    *("channel_mix", "satisfaction", "survey_silence"),
    *("tenure", "product", "contact_volume", "claims", "household", "benefits_used", "outreach"),
    "profile",
)
"""Drivers that say who the customer is or was: nobody can act on them."""

_FACTS_BY_TYPE: Mapping[FactType, str] = MappingProxyType(
    {
        "date": """latest_bill_on latest_correction_on latest_billing_contact_on latest_reminder_on
            latest_failed_payment_on autopay_cancelled_on latest_setup_error_on
            latest_missing_reading_on latest_rise_notified_on latest_rise_effective_on
            plan_closed_on binding_until bundle_broken_on benefit_granted_on benefit_ended_on
            latest_long_wait_on open_case_opened_on latest_promise_missed_on
            latest_late_order_promised_on latest_fault_on latest_repeat_on latest_cross_channel_on
            latest_failed_self_service_on latest_complaint_on open_complaint_opened_on
            latest_uninformed_on latest_repeat_fault_on latest_eta_missed_on
            latest_offer_rejected_on latest_unsubscribe_on latest_contradicting_message_on
            latest_closed_channel_on csat_last_on loyalty_last_on ces_last_on customer_since
            last_contact_on latest_claim_on latest_household_notice_on latest_benefit_used_on
            latest_treatment_on""",
        "money": """latest_bill_amount latest_bill_above_usual reminder_fees_365d
            paper_fees_365d""",
        "price": """latest_rise_old_price latest_rise_new_price own_price
            newcomer_own_price newcomer_price market_own_price market_comparable_price""",
        "ratio": """bill_shock_latest price_rise_pct_365d newcomer_gap_pct price_vs_market
            informed_share_365d claims_paid_share_365d""",
        "count": """corrections_365d billing_contacts_after_invoice_90d reminders_365d
            overdue_invoices failed_payments_90d autopay_setup_errors_90d
            digital_switch_abandoned_365d missing_readings_365d estimated_readings_365d
            rises_without_notice_365d rises_without_reason_365d
            products_n bundle_broken_365d loyalty_benefit abandoned_90d unresolved_cases_365d
            reopened_365d bot_loops_90d human_denied_90d repeats_30d_count_90d contacts_90d
            transfers_90d cross_channel_repeats_90d case_unlinked_90d
            self_service_fail_then_contact_48h_90d self_service_success_90d complaints_365d
            uninformed_incidents_365d eta_missed_365d repeat_faults_same_site_365d
            unsubscribes_365d rejected_offers_365d generic_messages_30d
            contradicting_price_messages_365d non_template_messages_90d
            forced_channel_contacts_90d channel_unavailable_attempts_90d channel_mix_365d
            survey_nonresponse_365d surveys_answered_365d contacts_365d claims_365d
            household_churn_180d benefits_used_365d treatments_365d""",
        "days": """days_late_max_365d newcomer_gap_days_365d binding_days_left
            days_since_binding_end benefit_days_left open_case_days delivery_overrun_days_max_365d
            order_overrun_days_max_365d open_complaint_days days_since_outreach tenure_days""",
        "hours": "first_reply_hours_max_90d fault_to_human_hours_max_365d outage_hours_365d",
        "seconds": "wait_max_90d wait_average_90d",
        "number": "csat_last_score loyalty_last ces_last",
        "flag": """autopay paper_invoice on_closed_tariff no_benefit_at_tenure_over_24m
            first_90_days""",
        "text": "latest_payment_method preferred_channel product_line profile_name profile_value",
    }
)
FACTS: Mapping[str, FactType] = MappingProxyType(
    {name: kind for kind, names in _FACTS_BY_TYPE.items() for name in names.split()}
)
_PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)(?::([a-z]+))?\}")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A fact to be filled in, and how it is written."""

    fact: str
    form: str


@dataclass(frozen=True, slots=True)
class Variant:
    """A sentence in pieces, and the bounds of facts (inclusive, None is open) it holds within."""

    pieces: tuple[str | Placeholder, ...]
    when: Mapping[str, tuple[float | None, float | None]]

    @property
    def facts(self) -> frozenset[str]:
        filled = {piece.fact for piece in self.pieces if isinstance(piece, Placeholder)}
        return frozenset(filled | set(self.when))


@dataclass(frozen=True, slots=True)
class Templates:
    """Every sentence of a language, by driver and direction; the last variant needs no facts."""

    language: str
    style: Style
    variants: Mapping[tuple[str, Direction], tuple[Variant, ...]]


def load_templates(path: Path) -> Templates:
    """Read ``<language>.yaml``; raises ``ConfigError`` listing everything that is wrong in it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        templates = _templates(path.stem, content)
    except OSError as error:
        raise ConfigError(f"cannot read the sentences {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnknownLocaleError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is not a file of sentences: {error!r}.") from error
    faults = tuple(_faults(templates, content["drivers"]))
    if faults:
        raise ConfigError(f"{path} has {len(faults)} faults:\n  " + "\n  ".join(faults))
    return templates


def _templates(language: str, content: Mapping[str, Any]) -> Templates:
    style = Style(
        locale=Locale.parse(content["locale"]),
        money=content["money"],
        percent=content["percent"],
        units={unit: (one, many) for unit, (one, many) in content["units"].items()},
        values=content.get("values", {}),
        currencies=content.get("currencies", {}),
    )
    variants = {
        (driver, direction): tuple(map(_variant, wordings.get(direction, ())))
        for driver, wordings in content["drivers"].items()
        for direction in DIRECTIONS
    }
    return Templates(language, style, variants)


def _variant(entry: str | Mapping[str, Any]) -> Variant:
    if isinstance(entry, str):
        return Variant(parse(entry), {})
    bounds = {fact: (low, high) for fact, (low, high) in entry.get("when", {}).items()}
    return Variant(parse(entry["say"]), bounds)


def parse(text: str) -> tuple[str | Placeholder, ...]:
    """Cut ``text`` at its ``{fact:format}`` places; raises ``ValueError`` at any other brace."""
    pieces: list[str | Placeholder] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        pieces += [text[end : match.start()], Placeholder(match[1], match[2] or "text")]
        end = match.end()
    pieces.append(text[end:])
    if any(brace in piece for piece in pieces if isinstance(piece, str) for brace in "{}"):
        raise ValueError(f"a brace that begins no {{fact:format}} in {text!r}")
    return tuple(piece for piece in pieces if piece != "")


def _faults(templates: Templates, drivers: Mapping[str, Any]) -> Iterator[str]:
    for driver in drivers:
        if driver not in DRIVERS:
            yield f"{driver}: no such driver; the drivers are {', '.join(DRIVERS)}"
    for driver in DRIVERS:
        for direction in DIRECTIONS:
            place = f"{driver}.{direction}"
            variants = templates.variants.get((driver, direction), ())
            if not variants or variants[-1].facts:
                yield f"{place}: the last sentence must need no facts"
            for number, variant in enumerate(variants, start=1):
                yield from (f"{place} sentence {number}: {fault}" for fault in _unknown(variant))


def _unknown(variant: Variant) -> Iterator[str]:
    for fact in sorted(variant.facts - set(FACTS)):
        yield f"unknown fact {fact!r}"
    for fact in variant.when:
        if FACTS.get(fact) in ("date", "text"):
            yield f"{fact} has no bounds: only figures do"
    for piece in variant.pieces:
        if isinstance(piece, Placeholder) and piece.fact in FACTS:
            allowed = FORMATS[FACTS[piece.fact]]
            if piece.form not in allowed:
                yield f"{piece.fact} is written as {allowed or 'nothing'}, not {piece.form!r}"
