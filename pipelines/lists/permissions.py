"""Permission refresh at publication time, from the company's own tables.

A snapshot is hours old by then, and a customer may have said no meanwhile. What cannot be read
is not allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from features.contract import TABLES
from features.errors import ContractError, StilleError
from features.timeline import midnight_utc
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.lists.contact import CONTACT_CHANNELS
from pipelines.matrices.files import scratch
from pipelines.runtime.duckdb_connection import connect, first_line, identifier
from pipelines.runtime.environment import today_in
from pipelines.snapshots.loading import Loaded, load_table
from pipelines.snapshots.snapshot import Snapshot, find_inputs
from pipelines.snapshots.typed_store import TypedStore
from pipelines.sources.files import InputDigests
from pipelines.sources.type_casting import SKIPPED

FLAG = "boolean"
COLUMNS = {
    **dict.fromkeys(("unread", "vulnerable", "open_complaint", "opted_out"), FLAG),
    **{f"opted_out_{channel}": FLAG for channel in CONTACT_CHANNELS},
    **{f"consent_{channel}": FLAG for channel in CONTACT_CHANNELS},
    **dict.fromkeys(("reserved_phone", "reserved_post"), FLAG),
    **dict.fromkeys(("register_on", "last_outreach_on"), "datetime64[s]"),
    "household_id": "str",
}
_TYPES = {FLAG: "boolean", "datetime64[s]": "date", "str": "varchar"}


def _by_channel(name: str, value: str, condition: str = "true") -> str:
    return ", ".join(
        f"bool_or({value}) filter (channel = '{channel}' and {condition}) as {name}_{channel}"
        for channel in CONTACT_CHANNELS
    )


# Over ``accepted``, the newest version of each row that keeps the contract. A refusal holds for
# outreach whatever purpose it named; of two words at one moment, the no.
QUERIES: Mapping[str, str] = {
    "consents": f"""
        select customer_id, {_by_channel("consent", "allowed", "purpose = 'marketing'")},
            {_by_channel("opted_out", "not allowed")}
        from (select * from accepted qualify row_number() over (
            partition by customer_id, channel, purpose order by changed_at desc, allowed) = 1)
        group by customer_id""",
    "contact_bars": f"""
        select customer_id, bool_or(reason = 'vulnerable') as vulnerable,
            bool_or(reason = 'opted_out' and channel is null) as opted_out,
            {_by_channel("opted_out", "true", "reason = 'opted_out'")}
        from accepted where lifted_at is null group by customer_id""",
    "reservations": """
        select customer_id, arg_max(reserved_phone, looked_up_on) as reserved_phone,
            arg_max(reserved_post, looked_up_on) as reserved_post, max(looked_up_on) as register_on
        from accepted group by customer_id""",
    "complaints": """
        select customer_id, bool_or(closed_at is null) as open_complaint
        from accepted group by customer_id""",
    "treatments": """
        select customer_id, max(cast(timezone($zone, timezone('UTC', treated_at)) as date))
            as last_outreach_on
        from accepted where contacted or arm is distinct from 'holdout' group by customer_id""",
    "households": """
        select customer_id, nullif(arg_max(coalesce(household_id, ''), valid_from), '')
            as household_id
        from accepted where valid_from <= $as_of group by customer_id""",
}


@dataclass(frozen=True, slots=True)
class Permissions:
    """``customers`` for ``allowed_contact``, with ``household_id``: a row per customer asked about.

    ``refusal`` says why nothing could be read; then ``unread`` holds for everybody.
    """

    customers: pd.DataFrame
    refusal: str | None = None


def read_permissions(run: Run, customer_id: "pd.Series[str]", snapshot: Snapshot) -> Permissions:
    """Read what customers allow, now; the rows have the index of ``customer_id``.

    A row that breaks the contract closes everything for its customer. A table that cannot be
    read, changes while it is read, lost rows since the snapshot or has too many broken rows
    closes everything for everybody: ``refusal`` and the record say so, and nothing is raised.
    """
    settings, record = run.settings, run.record
    tables = {name: source for name, source in settings.sources.items() if name in QUERIES}
    asked = settings.model_copy(update={"sources": tables})
    refusal, root = None, settings.paths.scratch
    with record.stage("permissions") as stage, scratch(root, record.run_id) as folder:
        try:
            found = _read(asked, run.as_of, snapshot, folder)
        except (StilleError, duckdb.Error, OSError) as error:
            refusal = first_line(error)
            record.notes.append(f"nobody may be contacted: {refusal}")
            found = pd.DataFrame({"unread": True}, index=pd.Index(customer_id.unique()))
        stage.rows_out = len(customer_id)
    found = found.reindex(index=customer_id.to_numpy(), columns=[*COLUMNS]).astype(COLUMNS)
    return Permissions(found.set_axis(customer_id.index), refusal)


def _read(settings: Settings, as_of: date, snapshot: Snapshot, folder: Path) -> pd.DataFrame:
    """``COLUMNS`` by customer id, of all tables: a flag is true where any says so."""
    inputs, missing = find_inputs(settings, folder / "extracts")
    for refused in missing.values():
        raise refused
    digests = InputDigests(settings.paths.digests, inputs)
    today = max(as_of, today_in(settings.company.timezone))
    limit = midnight_utc(today + timedelta(days=1), settings.company.timezone)
    nobody = ", ".join(f"cast(null as {_TYPES[kind]}) as {n}" for n, kind in COLUMNS.items())
    parts = [f"select cast(null as varchar) as customer_id, {nobody} limit 0"]
    words = {"zone": settings.company.timezone, "as_of": as_of, "skipped": SKIPPED}
    store = TypedStore(settings.paths.typed, digests)
    with connect(settings.engine, folder / "scratch") as con:
        for name, given in inputs.items():
            loaded = load_table(
                *(con, settings, TABLES[name], given, folder / "scratch", limit, store),
                shards=snapshot.shards,
                customers_known=False,
            )
            _refuse_doubtful(settings, loaded, snapshot)
            for query in _queries(name):
                told = {word: value for word, value in words.items() if f"${word}" in query}
                con.execute(f"create temp table part_{len(parts)} as {query}", told)
                parts.append(f"from part_{len(parts)}")
        values = ", ".join(
            f"{'bool_or' if kind == FLAG else 'any_value'}({name}) as {name}"
            for name, kind in COLUMNS.items()
        )
        together = " union all by name ".join(f"({part})" for part in parts)
        found = con.sql(f"select customer_id, {values} from ({together}) group by all")
        flags = {pa.bool_(): pd.BooleanDtype()}.get
        rows: pd.DataFrame = found.to_arrow_table().to_pandas(
            types_mapper=flags, date_as_object=False
        )
    digests.refuse_changed(chain(*inputs.values()))
    return rows.set_index("customer_id")


def _refuse_doubtful(settings: Settings, loaded: Loaded, snapshot: Snapshot) -> None:
    if loaded.refusal is not None:
        raise loaded.refusal
    bad = sum(loaded.rules.values())
    rows = loaded.source_rows
    if bad > settings.quarantine_share_of(loaded.name) * rows:
        raise ContractError(f"{loaded.name}: {bad:,} of {rows:,} rows are broken")
    before = snapshot.tables[loaded.name].source_rows
    if rows < before:
        raise ContractError(f"{loaded.name}: {rows:,} rows where the night read {before:,}")


def _queries(name: str) -> tuple[str, str]:
    """What a loaded table says by customer, and of whom a row breaks the contract, in SQL."""
    table, key = identifier(name), ", ".join(map(identifier, TABLES[name].key))
    query = (
        f"with accepted as (select * from {table} where _rule is null qualify "
        f"row_number() over (partition by {key} order by known_at desc) = 1) {QUERIES[name]}"
    )
    broken = (
        f"select distinct customer_id, true as unread from {table} "
        "where _rule is not null and _rule <> $skipped and customer_id is not null"
    )
    return query, broken
