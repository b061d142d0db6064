"""Public sets: what a sentence quotes of a company's own columns, read off the file itself."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmarks.sentences.person import Clock, Row, keep

_NAME = 60


def raw_table(config: Path, data: Path) -> tuple[str, Mapping[str, Any], pd.DataFrame]:
    """The customers' id column, their attributes as configured, and their file as it is."""
    source = yaml.safe_load(config.read_text(encoding="utf-8"))["sources"]["customers"]
    path = data / source["path"]
    rows = pd.read_csv(path, dtype=str) if path.suffix == ".csv" else pd.read_parquet(path)
    return source["columns"]["customer_id"], source["attributes"], rows


def attribute_judge(config: Path, data: Path) -> Callable[[str, str], bool | None]:
    """Whether ``name: value`` is what the file has of a customer; None for another sentence."""
    key, attributes, rows = raw_table(config, data)
    by_id = rows.astype(object).set_index(key)
    named = {a["doc"].rstrip("."): a for a in attributes.values() if len(a["doc"]) <= _NAME}

    def judge(customer: str, text: str) -> bool | None:
        name, found, value = text.partition(": ")
        if not found or name not in named:
            return None
        attribute = named[name]
        return _same(by_id.loc[customer, attribute["column"]], value, attribute)

    return judge


def _same(cell: Any, written: str, attribute: Mapping[str, Any]) -> bool:
    if attribute["type"] == "category":
        text = str(cell).strip()
        return bool(written == attribute.get("values", {}).get(text, text))
    if attribute.get("as_days"):
        return str(pd.Timestamp(cell).date()) == written
    number, figure = float(cell), float(written.partition(" ")[0])
    least = 0.0051 if abs(number) >= 1 else 0.000051
    return abs(number - figure) <= max(least, 1e-6 * abs(number))


def powerco_rows(data: Path, clock: Clock) -> dict[str, dict[str, list[Row]]]:
    """PowerCo's clients as customers and contracts, and their monthly prices as changes."""
    found: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    clients = pd.read_parquet(data / "powerco" / "client_data.parquet").astype(object)
    people, held = [], []
    for row in clients.to_dict("records"):
        since, until = (_day(row[name]) for name in ("date_activ", "date_end"))
        people.append({"customer_id": row["id"], "joined_on": since})
        held.append(
            {"customer_id": row["id"], "contract_id": row["id"], "product_line": "electricity"}
            | {"started_on": since, "binding_until": until, "bundle_id": None}
        )
    prices = pd.read_parquet(data / "powerco" / "price_data.parquet").astype(object)
    prices["on"] = prices["price_date"].map(_day)
    changes = []
    for customer, months in prices.sort_values("on").groupby("id"):
        last = None
        for on, price in zip(months["on"], months["price_off_peak_var"], strict=True):
            if last is not None and price != last:
                changes.append(
                    {"customer_id": customer, "change_id": f"{customer}{on}", "effective_on": on}
                    | {"notified_on": None, "old_price": last, "new_price": price}
                    | {"reason_code": None, "contract_id": None}
                )
            last = price
    for table, rows in (("customers", people), ("contracts", held), ("price_changes", changes)):
        keep(found, table, rows, clock)
    return found


def _day(cell: Any) -> date | None:
    value = pd.Timestamp(cell)
    return None if pd.isna(value) else date(value.year, value.month, value.day)
