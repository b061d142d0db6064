"""Typed rows of one table's inputs: the contract's columns, and the rule each breaks on its own."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, cached_property, partial
from pathlib import Path

import duckdb

from features.contract import Table
from pipelines.config.settings import Settings
from pipelines.config.sources import REPORTED, Dialect, Source
from pipelines.runtime.duckdb_connection import Connection
from pipelines.runtime.secret_keys import PSEUDONYM, key_fingerprint, key_of
from pipelines.snapshots.typed_store import TypedFile, TypedStore
from pipelines.sources import type_casting
from pipelines.sources.binding import Binding, Bound, bind, refuse_no_zone
from pipelines.sources.files import Input
from pipelines.sources.forms import Forms
from pipelines.sources.joins import join_files
from pipelines.sources.midnights import days_as_shown
from pipelines.sources.partitions import write_partitions
from pipelines.sources.personal_data import define_pseudonym
from pipelines.sources.readable_part import Part
from pipelines.sources.readers import READERS, open_part

# A damaged file can raise any other error of DuckDB's, also its bare base class.
_OUR_OWN_FAULT = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException)


@dataclass(frozen=True)
class TypedRows:
    """One table's inputs, whose rows are typed into ``store`` in so many ``shards``."""

    connection: Connection
    settings: Settings
    table: Table
    inputs: tuple[Input, ...]
    scratch: Path
    store: TypedStore
    shards: int

    def typed(self, index: int) -> TypedFile:
        """The rows of an input, typed anew unless they lie in the store."""
        own = self._source(index)
        # What is left out decides nothing, or changes the view of the rows.
        apart = {"path", "database", "duplicates", "max_quarantine_share"}
        decides = own.model_dump(mode="json", exclude=apart)
        dealt = self.table.per_customer and self.table.name != "customers"
        shards = self.shards if dealt else 1
        forms, contract = asdict(self._forms(index)), repr(self.table)
        deciding = (contract, own.kind, decides, forms, shards, self._pseudonyms)
        return self.store.typed(self.inputs[index], deciding, partial(self._write, index, shards))

    def bound(self, index: int, file: TypedFile | Part) -> Bound:
        """The input's columns as the contract's; raises ``ContractError``."""
        own, dialect = self._source(index), self.settings.dialect_of(self.table.name)
        bound = bind(self.table, own, file.columns, file.name)
        refuse_no_zone(self.table, own, dialect, file.columns, bound.bindings)
        return bound

    @cached_property
    def open(self) -> Callable[[int], Part]:
        """Opens the input of an index itself, once, with the files that are joined to it."""

        def opened(index: int) -> Part:
            given, own = self.inputs[index], self._source(index)
            dialect = self.settings.dialect_of(self.table.name)
            copy = self.scratch / f"{self.table.name}-{index}.csv"
            part = open_part(self.connection, given, own, dialect, copy)
            return join_files(self.connection, part, own, given, dialect, copy)

        return cache(opened)

    @cached_property
    def _pseudonyms(self) -> str:
        """A name for the key of the pseudonyms, which the connection then has."""
        if not self.settings.company.pseudonyms:
            return ""
        key = key_of(PSEUDONYM, self.settings.paths.var)
        define_pseudonym(self.connection, key)
        return key_fingerprint(key)

    def _write(self, index: int, shards: int, folder: Path) -> tuple[Part, int]:
        table, own, form = self.table, self._source(index), self._forms(index)
        part = self.open(index)
        bindings = self.bound(index, part).bindings
        reader, zone = READERS[own.kind], self.settings.company.timezone
        reader.verify(part, [name for b in bindings for name in b.origin.read])
        with _explained(own, part, form.dialect):
            shown = days_as_shown(self.connection, part, bindings, table.name, own, form)
            typed = type_casting.part_select(part, bindings, own, form, shown)
            columns = type_casting.contract_columns(
                table, bindings, zone, own.known_delay_days or 0
            )
            query = _ruled(table, bindings, typed, columns, shards)
            rows = write_partitions(self.connection, query, folder)
        if not self.inputs[index].reported:
            reader.prove(part, form.dialect, rows)
        return part, rows

    def _source(self, index: int) -> Source:
        reported = self.inputs[index].reported
        return REPORTED if reported else self.settings.sources[self.table.name]

    def _forms(self, index: int) -> Forms:
        name, company = self.table.name, self.settings.company
        source, reported = self.settings.sources[name], self.inputs[index].reported
        # What people reported has the ids of the lists, and the contract's own forms.
        return Forms(
            self.settings.dialect_of(name),
            "UTC" if reported else self.settings.zone_of(name),
            company.timezone,
            source.money_unit,
            currency=company.currency,
            zone_given=source.timezone is not None,
            pseudonyms=company.pseudonyms and not reported,
        )


def _ruled(
    table: Table, bindings: Sequence[Binding], typed: str, columns: Sequence[str], shards: int
) -> str:
    """SQL of a file's rows (``typed``), each with the rule that it breaks on its own, ``_own``."""
    shard = "0" if shards == 1 else shard_of("customer_id", shards)
    return f"""
        with typed as ({typed}),
        ruled as (select *, {type_casting.row_rule(table, bindings)} as _own from typed),
        complete as (select _row, _own, _none, _decimals, _doubt, {", ".join(columns)} from ruled)
        select complete.* rename (_event_at as event_at, _known_at as known_at),
            coalesce({shard}, 0) as _shard
        from complete"""


def shard_of(customer: str, shards: int) -> str:
    """SQL for the shard of a customer's id."""
    return f"cast(md5_number_lower({customer}) % {shards} as INTEGER)"


@contextmanager
def _explained(source: Source, part: Part, dialect: Dialect) -> Iterator[None]:
    """Say of a file that DuckDB cannot read what its reader knows of it."""
    try:
        yield
    except (duckdb.OutOfMemoryException, *_OUR_OWN_FAULT):
        raise
    except duckdb.Error as error:
        raise READERS[source.kind].broken(part, dialect, error) from error
