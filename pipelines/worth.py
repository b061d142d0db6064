"""Customer value and profit of a list, with the configuration's economics.

The contract has amounts in minor units and the configuration in major ones: they meet here.
"""

from dataclasses import fields

from babel.numbers import get_currency_precision

from models.arrays import Floats
from models.bootstrap import Interval
from models.examples import Examples
from models.profit import Economics, ProfitCurve, customer_value, maximum_profit, profit_curve
from pipelines.settings import Settings

ENDS = ("low_multiple", "high_multiple")


def economics_of(settings: Settings) -> Economics | None:
    """The configuration's section; None without one."""
    section = settings.economics
    if section is None:
        return None
    return Economics(**{field.name: getattr(section, field.name) for field in fields(Economics)})


def customer_values(settings: Settings, margin: Floats) -> tuple[Floats, Floats] | None:
    """Each customer's value (n,) at the low and the high acquisition multiple; None without both.

    ``margin`` a year is in minor units, as the contract has it, NaN where it is not known;
    values are in major units.
    """
    economics = economics_of(settings)
    if economics is None:
        return None
    major = margin / 10.0 ** get_currency_precision(settings.company.currency)
    low, high = economics.acquisition_cost_multiple
    return customer_value(major, economics, low), customer_value(major, economics, high)


def profit_curves(settings: Settings, test: Examples, p: Floats) -> dict[str, ProfitCurve]:
    """The curve at each multiple, named by what winning costs; empty without economics."""
    economics, values = economics_of(settings), customer_values(settings, test.margin)
    if economics is None or values is None:
        return {}
    multiples = economics.acquisition_cost_multiple
    return {
        f"{multiple:g} times keeping one": profit_curve(test.y, p, value, economics)
        for multiple, value in zip(multiples, values, strict=True)
    }


def profit_card(settings: Settings, test: Examples, p: Floats) -> dict[str, Interval]:
    """Maximum profit per customer and the share contacted, at both multiples.

    Keys: profit_at_low_multiple, profit_share_at_low_multiple, and the same of the high one;
    empty without economics.
    """
    economics, values = economics_of(settings), customer_values(settings, test.margin)
    if economics is None or values is None:
        return {}
    card: dict[str, Interval] = {}
    for end, value in zip(ENDS, values, strict=True):
        best = maximum_profit(
            test.y, p, value, economics, test.customer_id, settings.training.bootstrap
        )
        card |= {f"profit_at_{end}": best.profit, f"profit_share_at_{end}": best.share}
    return card
