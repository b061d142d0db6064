"""Economics of the configuration as the models take it, in major units of the currency.

Below training and the lists, as both need one and the same value of a customer.
"""

from babel.numbers import get_currency_precision

from models.dataset.array_types import Floats
from models.metrics import profit
from models.metrics.profit import customer_value
from pipelines.config.sections import Economics
from pipelines.config.settings import Settings


def economics_of(section: Economics | None) -> profit.Economics | None:
    """The section of that name as the models take it."""
    return None if section is None else profit.Economics(**dict(section))


def customer_values(settings: Settings, margin: Floats) -> tuple[Floats, Floats] | None:
    """Each customer's value (n,) at the low and the high acquisition multiple; None without both.

    ``margin`` a year is in minor units, as the contract has it, NaN where it is not known;
    values are in major units.
    """
    economics = economics_of(settings.economics)
    if economics is None:
        return None
    major = margin / 10.0 ** get_currency_precision(settings.company.currency)
    low, high = economics.acquisition_cost_multiple
    return customer_value(major, economics, low), customer_value(major, economics, high)
