"""Messages the company sends."""

import numpy as np

from features.contract import CHANNELS
from pipelines.simulator.clock import Bools, Ints
from pipelines.simulator.record import NONE, NOTICES
from pipelines.simulator.world import Month, World

OUTAGE, PRICE, REMINDER, MARKETING, SURVEY = range(len(NOTICES))
BY_EMAIL, BY_SMS, BY_APP, BY_POST = (CHANNELS.index(n) for n in ("email", "sms", "app", "post"))
_OPENED = np.array([0.8, 0.65, 0.7, 0.25, 0.4])
_FREE_TEXT, _LATEST_HOURS = 0.03, 240


def notify(
    world: World,
    month: Month,
    rows: Ints,
    sent_at: Ints,
    *,
    kind: int,
    channel: Ints | int,
    incident: Ints | int = NONE,
    personalised: Bools | bool = True,
    price: Ints | int = NONE,
    end: Ints | int = NONE,
) -> None:
    """Send one message to each of ``rows`` at ``sent_at`` (UTC µs).

    ``price`` (øre) is the price that it states, ``end`` (UTC µs) the end of the fault that it
    promises. Letters are opened unseen; some messages are written without a template.
    """
    rng = month.rng(f"messages {kind}")
    free_text = rng.random(len(rows)) < _FREE_TEXT
    likes = 0.25 * ((kind == MARKETING) & np.asarray(personalised))
    opens = rng.random(len(rows)) < _OPENED[kind] + likes
    after = np.minimum(rng.exponential(8, len(rows)), _LATEST_HOURS) * 3600e6
    opens &= np.asarray(channel) != BY_POST
    month.sink.add_events(
        "notifications",
        world.number[rows],
        sent_at=sent_at,
        kind=kind,
        channel=channel,
        incident_id=incident,
        personalised=personalised,
        template_id=np.where(free_text, NONE, kind + 1),
        stated_price=price,
        promised_end_at=end,
        opened_at=np.where(opens, sent_at + after.astype(np.int64), NONE),
    )
