"""A small company's snapshot and facts of a customer by hand, for stories and pages."""

from datetime import date
from types import SimpleNamespace

import companies
import pandas as pd

from pipelines.explanation.customer_facts import CustomerFacts
from pipelines.snapshots.facts import table_file

AS_OF = date(2024, 6, 1)


def snapshot(folder, **tables):
    """Tables of ``companies.company`` as the files of a snapshot with one shard."""
    rows = companies.company(**tables)
    with companies.connect(rows) as con:
        for name in rows:
            path = table_file(folder, name, 0)
            path.parent.mkdir(parents=True, exist_ok=True)
            con.execute(f"copy {name} to '{path}' (format parquet)")
    return SimpleNamespace(tables=dict.fromkeys(rows), shards=1, root=folder)


def facts(story=None, **changes) -> CustomerFacts:
    """A called customer with one reason; ``changes`` replace columns of the row."""
    row = {
        **{"customer_id": "a", "as_of_date": pd.Timestamp(AS_OF), "product_line": "electricity"},
        **{"segment": "private", "churn_probability": 0.25, "risk_band": "high", "risk_rank": 2},
        **{"lane": "call", "lane_rule": None, "call_rank": 1, "call_from": "09:00"},
        **{"call_until": "20:00", "contact_block_reason": None, "preferred_channel": "email"},
        **{f"contact_allowed_{at}": at == "phone" for at in ("phone", "sms", "email", "post")},
        **{"open_case_id": "S1", "binding_until": date(2024, 7, 1), "last_contact_on": None},
        **{"do": "Call.", "review": None, "do_not_text": "Do not push; Do not sell"},
    } | changes
    reason = {"slot": "reason_1", "driver": "wait", "text": "Waited long.", "contribution": 0.8}
    nights = [("a", 0.2, "none", date(2024, 5, 1)), ("a", 0.25, "call", AS_OF)]
    names = ["customer_id", "churn_probability", "lane", "as_of"]
    empty = {"day": pd.to_datetime([]), "size": [], "text": [], "row": [], "bad": []}
    story = pd.DataFrame(empty) if story is None else story
    return CustomerFacts(row, (reason,), False, pd.DataFrame(nights, columns=names), story)
