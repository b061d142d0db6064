"""Messages the company sends."""

import numpy as np

from features.tables import CHANNELS
from pipelines.demo.clock import Ints
from pipelines.demo.record import NOTICES
from pipelines.demo.world import NONE, Month, World

OUTAGE, PRICE, REMINDER, MARKETING = range(len(NOTICES))
BY_EMAIL, BY_SMS, BY_APP, BY_POST = (CHANNELS.index(n) for n in ("email", "sms", "app", "post"))


def notify(
    world: World,
    month: Month,
    rows: Ints,
    sent_at: Ints,
    *,
    kind: int,
    channel: Ints | int,
    incident: Ints | int = NONE,
) -> None:
    """Send one message to each of ``rows`` at ``sent_at`` (UTC µs)."""
    columns = {
        "notification_id": month.sink.numbers("notifications", len(rows)),
        "customer_id": world.number[rows],
        "sent_at": sent_at,
        "kind": np.full(len(rows), kind),
        "channel": np.broadcast_to(channel, len(rows)),
        "incident_id": np.broadcast_to(incident, len(rows)),
    }
    month.sink.add("notifications", columns)
