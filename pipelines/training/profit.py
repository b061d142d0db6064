"""Profit of the lists that a team would have called, with the configuration's economics."""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from models.dataset.array_types import Floats
from models.dataset.examples import ASLEEP, MARGIN, Examples
from models.metrics.bootstrap import Interval, Rows
from models.metrics.profit import Contacts, profit_at_depth
from pipelines.config.economics import contacts_of
from pipelines.config.settings import Settings

ENDS = ("low_multiple", "high_multiple")


def contacts_of_test(
    settings: Settings, test: Examples, p: Floats, as_of: date
) -> tuple[Contacts, ...]:
    """Contacts with the test rows at each multiple of ``ENDS``, empty without economics.

    ``p`` (n,) are the chances of the model under test: all lists on the same rows are judged by
    one value of each customer. ``as_of`` is the day of the run.
    """
    customers = pd.DataFrame(
        {
            "as_of": test.as_of.astype("datetime64[s]"),
            "product_line": test.product_line,
            MARGIN: test.margin,
            ASLEEP: test.asleep,
        }
    )
    return contacts_of(settings, customers, p, as_of) or ()


def profit_card(rows: Rows, p: Floats, contacts: Sequence[Contacts]) -> dict[str, Interval]:
    """Profit per customer at the team's depth and the share called, at both multiples of ``ENDS``.

    Empty without economics.
    """
    card: dict[str, Interval] = {}
    for end, each in zip(ENDS, contacts, strict=False):
        profit, share = profit_at_depth(rows, p, each)
        card |= {f"profit_at_{end}": profit, f"profit_share_at_{end}": share}
    return card
