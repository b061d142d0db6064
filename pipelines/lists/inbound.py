"""Inbound card: what whoever answers should know when a customer makes contact.

A contact that the customer makes is no outreach, so the card is also for those who are in peace,
barred or held out: both arms get it, and the effect of calling stays measurable. Who objected to
this use of their data (GDPR art. 21) has none, and neither has anybody whose objections could not
be read.
"""

import numpy as np
import pandas as pd

from pipelines.config.settings import Settings
from pipelines.lists.actions import Actions, load_actions
from pipelines.lists.list_columns import REASONS
from pipelines.lists.night_lists import NightLists, with_list
from pipelines.lists.permissions import Permissions
from pipelines.publication.manifest import columns

INBOUND_FIELDS = columns("inbound")


def write_inbound(
    settings: Settings, ids: pd.Series, permissions: Permissions, lists: NightLists
) -> NightLists:
    """Write ``inbound`` beside the lists; ``permissions`` are of the customers ``ids``."""
    closed = ids[permissions.customers[["opted_out", "unread"]].any(axis=1)]
    rows = inbound_rows(lists.rows, load_actions(), settings.list.languages[0])
    rows = rows[~rows["customer_id"].isin(closed)]
    return with_list(lists, rows, INBOUND_FIELDS, "inbound")


def inbound_rows(rows: pd.DataFrame, rules: Actions, language: str) -> pd.DataFrame:
    """Cards of a risk list's customers, by customer id, with the first reasons worth saying.

    Such a reason's driver has an action or a prohibition. Without one there is no card.
    """
    numbers, rows = range(1, REASONS + 1), rows.sort_values("customer_id", ignore_index=True)
    acted = (driver for driver, rule in rules.drivers.items() if rule.codes)
    worth = {*acted, *(d for rule in rules.do_not.values() for d in rule.drivers)}
    drivers = rows.reindex(columns=[f"reason_{n}_driver" for n in numbers])
    texts = rows.reindex(columns=[f"reason_{n}_text" for n in numbers])
    usable = drivers.isin(worth).to_numpy() & texts.notna().to_numpy()
    some = usable.any(axis=1)
    rows, texts, usable = rows[some], texts[some], usable[some]
    order = np.argsort(~usable, axis=1, kind="stable")
    first = np.take_along_axis(texts.where(usable).to_numpy(dtype=object), order, axis=1)
    cards = rows.reindex(columns=[field.name for field in INBOUND_FIELDS])
    cards[["reason_1_text", "reason_2_text"]] = first[:, :2]
    cards[["do", "do_not", "review"]] = in_words(rows, rules, language)
    return cards


def in_words(rows: pd.DataFrame, rules: Actions, language: str) -> pd.DataFrame:
    """``do``, ``do_not`` and ``review`` of a risk list's rows in words, null for nothing.

    An action of ``at_next_contact`` is no ``do`` but a ``review``: where it is a choice for the
    driver of any reason and nothing that holds for the customer forbids it.
    """
    words = rules.words(language)
    offers = [code for code, action in rules.actions.items() if action.offer]
    waiting = [code for code, action in rules.actions.items() if action.at_next_contact]
    spared = rows["contact_block_reason"].eq("vulnerable") & rows["suggested_action"].isin(offers)
    forbidden = {text: text.split(";") for text in rows["do_not"].dropna().astype("str").unique()}
    drivers = rows.reindex(columns=[f"reason_{n}_driver" for n in range(1, REASONS + 1)])
    review = pd.Series("", index=rows.index, dtype="str")
    for code in waiting:
        choices = [driver for driver, rule in rules.drivers.items() if code in rule.codes]
        barring = {name for name, rule in rules.do_not.items() if code in rule.forbids}
        barred = rows["do_not"].isin([text for text, n in forbidden.items() if barring & {*n}])
        held = drivers.isin(choices).any(axis=1) & ~barred
        review = review.mask(held, review.where(review.eq(""), review + "; ") + words[code])
    said = {t: "; ".join(words[n] for n in names if n in words) for t, names in forbidden.items()}
    do = rows["suggested_action"].map(words).mask(spared | rows["suggested_action"].isin(waiting))
    found = pd.DataFrame(
        {"do": do, "do_not": rows["do_not"].map(said), "review": review}, rows.index
    ).astype("str")
    return found.mask(found.isin([""]))
