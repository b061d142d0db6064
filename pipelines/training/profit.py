"""Customer value and profit of a list, with the configuration's economics.

The contract has amounts in minor units and the configuration in major ones: they meet here.
"""

from models.dataset.array_types import Floats
from models.dataset.examples import Examples
from models.metrics.bootstrap import Interval
from models.metrics.profit import ProfitCurve, maximum_profit, profit_curve
from pipelines.config.economics import customer_values, economics_of
from pipelines.config.settings import Settings

ENDS = ("low_multiple", "high_multiple")


def profit_curves(settings: Settings, test: Examples, p: Floats) -> dict[str, ProfitCurve]:
    """The curve at each multiple, named by what winning costs; empty without economics."""
    economics, values = economics_of(settings.economics), customer_values(settings, test.margin)
    if economics is None or values is None:
        return {}
    multiples = economics.acquisition_cost_multiple
    return {
        f"{multiple:g} times keeping one": profit_curve(test.y, p, value, economics)
        for multiple, value in zip(multiples, values, strict=True)
    }


def profit_card(settings: Settings, test: Examples, p: Floats) -> dict[str, Interval]:
    """Maximum profit per customer and the share contacted, at both multiples of ``ENDS``.

    Empty without economics.
    """
    economics, values = economics_of(settings.economics), customer_values(settings, test.margin)
    if economics is None or values is None:
        return {}
    card: dict[str, Interval] = {}
    replicates = settings.training.bootstrap
    for end, value in zip(ENDS, values, strict=True):
        best = maximum_profit(test.y, p, value, economics, test.customer_id, replicates)
        card |= {f"profit_at_{end}": best.profit, f"profit_share_at_{end}": best.share}
    return card
