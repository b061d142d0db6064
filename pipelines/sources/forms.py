"""How one source writes its values, which every conversion is given."""

from dataclasses import dataclass
from typing import Literal

from pipelines.config.sources import Dialect

TEXT = "VARCHAR"
NUMERIC = "NUMERIC"
"""A database's exact decimal, which arrives as text in plain notation whatever the dialect."""


@dataclass(frozen=True, slots=True)
class Forms:
    """Dialect, zone of naive instants and of days, unit and currency of money.

    ``zone_given`` says that the source declares ``zone``, which is else that of its format. With
    ``pseudonyms`` the ids that say who a row is about are replaced.
    """

    dialect: Dialect
    zone: str
    company_zone: str
    money_unit: Literal["major", "minor"]
    currency: str = ""
    zone_given: bool = False
    pseudonyms: bool = False


def as_text(expression: str, stored: str) -> str:
    return expression if stored in (TEXT, NUMERIC) else f"cast({expression} as VARCHAR)"
