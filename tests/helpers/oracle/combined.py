"""Features of several families' features, from their documentation."""

from typing import Any

from oracle.price import market
from oracle.view import View


def features(view: View, values: dict[str, Any]) -> dict[str, Any]:
    own, asked = market(view)
    gap = float(own / asked) - 1 if asked else None
    pressure = (values["price_rise_pct_365d"] or 0) + max(0, gap or 0)
    irritations = (
        values["repeats_30d_count_90d"]
        + values["unresolved_cases_90d"]
        + values["complaints_90d"]
        + values["corrections_90d"]
    )
    informed = values["informed_share_365d"]
    tenure = values["tenure_days"]
    return {
        "price_vs_market": gap,
        "price_pressure_x_irritation": pressure * irritations,
        "market_own_price": own or None,
        "market_comparable_price": asked or None,
        "complaint_x_uninformed": 0
        if informed is None
        else values["complaints_365d"] * (1 - informed),
        "no_benefit_at_tenure_over_24m": None
        if tenure is None
        else int(tenure > 730 and not values["loyalty_benefit"]),
    }
