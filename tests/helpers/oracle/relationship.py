"""Relationship, from its documentation."""

from typing import Any

from oracle.view import View, in_force, top


def features(view: View) -> dict[str, Any]:
    customers = view.rows("customers")
    joined = [row["joined_on"] for row in customers]
    contacts = view.rows("contacts")
    inbound = [row for row in contacts if row["direction"] != "outbound"]
    outbound = [row for row in contacts if row["direction"] == "outbound"]
    return {
        "tenure_days": view.days_since(joined),
        "first_90_days": None if top(joined) is None else int(view.days_since(joined) < 90),
        "customer_since": top(joined),
        "margin_per_year": top(row["margin_per_year"] for row in customers),
        "team": top(row["team"] for row in customers),
        "segment": in_force(view.rows("master_data"), "segment")
        or top(row["segment"] for row in customers),
        **view.counts("contacts", inbound, 30, 90, 365),
        "days_since_contact": view.days_since(view.local_day(row["event_at"]) for row in inbound),
        "days_since_outreach": view.days_since(view.local_day(row["event_at"]) for row in outbound),
        "last_contact_on": top(view.local_day(row["event_at"]) for row in contacts),
        **_claims(view),
        **_others(view),
    }


def _others(view: View) -> dict[str, Any]:
    notices = view.rows("household_notices", lambda row: row["outcome"] == "voluntary")
    used = [row | {"event_at": row["used_at"]} for row in view.rows("benefits") if row["used_at"]]
    plans = view.rows("master_data", lambda row: row["attribute"] == "plan")
    reached = view.rows("treatments", lambda row: row["contacted"] and row["arm"] != "holdout")
    treated = [view.local_day(row["event_at"]) for row in reached]
    return {
        **view.counts("household_churn", notices, 180),
        "latest_household_notice_on": top(row["notified_on"] for row in notices),
        **view.counts("benefits_used", used, 90, 365),
        "latest_benefit_used_on": top(view.local_day(row["used_at"]) for row in used),
        **view.counts("plan_changes", plans, 90, 365),
        **view.counts("treatments", reached, 90, 365),
        "latest_treatment_on": top(treated),
    }


def _claims(view: View) -> dict[str, Any]:
    claims = view.rows("claims")
    settled = [row for row in claims if row["settled_on"] is not None]
    recent = view.recent(settled, 365)
    asked = sum(row["claimed"] or 0 for row in recent)
    unpaid = [row for row in settled if not row["paid"] and (row["claimed"] or 0) > 0]
    return {
        **view.counts("claims", claims, 30, 90, 365),
        "claims_total": len(claims),
        **view.sums("claimed_amount", claims, "claimed", 90, 365),
        "claims_paid_share_365d": sum(row["paid"] or 0 for row in recent) / asked
        if asked
        else None,
        **view.counts("claims_unpaid", unpaid, 90, 365),
        "days_since_claim": view.days_since(row["claimed_on"] for row in claims),
        "latest_claim_on": top(row["claimed_on"] for row in claims),
    }
