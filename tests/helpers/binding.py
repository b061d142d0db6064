"""Every declaration of a catalogue run against empty tables."""

from datetime import date

import duckdb

from features.catalog import Catalog
from features.matrix import cut, derive, prepare


def bind(catalog: Catalog, zone: str) -> None:
    """Run every declaration against empty tables; raises ``ValueError`` naming what fails."""
    with duckdb.connect() as con:
        prepare(con, (), zone)
        attributes = [f for f in catalog.features if f.name.startswith("attr_")]
        for attribute in attributes:
            kind = "double" if attribute.kind == "number" else "varchar"
            con.execute(f'alter table customers add column "{attribute.name}" {kind}')
        con.execute("create temp table cohort (customer_id varchar, product_line varchar)")
        derive(con, catalog)
        day = date(2024, 1, 1)
        try:
            cut(con, catalog, day, zone)
        except duckdb.Error:
            for feature in catalog.features:
                try:
                    cut(con, catalog.only([feature.name]), day, zone)
                except duckdb.Error as error:
                    name = feature.name
                    raise ValueError(f"feature {name!r} does not bind: {error}") from error
            raise
