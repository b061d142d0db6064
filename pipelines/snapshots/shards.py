"""Sharding of customers by hash, and price levels turned into changes."""

import duckdb

from features.errors import ContractError

CUSTOMERS = "customer_shards"


def make_shards(connection: duckdb.DuckDBPyConnection, shard_size: int) -> int:
    """Number every accepted customer's shard in ``CUSTOMERS``; return the number of shards.

    Raises ``ContractError`` when no customer is left.
    """
    counted = connection.execute("select count(*) from customers where _rule is null").fetchone()
    customers = int(counted[0]) if counted else 0
    if customers == 0:
        raise ContractError("customers: no row keeps the contract; see the quarantine")
    shards = max(1, -(-customers // shard_size))
    connection.execute(
        f"create or replace temp table {CUSTOMERS} as select customer_id, "
        f"cast(md5_number_lower(customer_id) % {shards} as INTEGER) as _shard "
        "from customers where _rule is null"
    )
    connection.execute(
        f"update customers set _shard = cast(md5_number_lower(customer_id) % {shards} as INTEGER) "
        "where _rule is null"
    )
    return shards


def levels_to_changes(connection: duckdb.DuckDBPyConnection) -> None:
    """Replace price levels by changes: each level that differs from the one before it.

    Levels follow one another by ``effective_on`` within a customer and contract.
    """
    connection.execute(
        """create or replace temp table price_changes as
        select * exclude (_before) replace (
            concat_ws('|', customer_id, contract_id, effective_on) as change_id,
            cast(_before as DECIMAL(18,6)) as old_price)
        from (
            select *, lag(new_price) over (
                partition by customer_id, contract_id order by effective_on) as _before
            from price_changes where _rule is null)
        where _before <> new_price
        union all by name
        select * from price_changes where _rule is not null"""
    )
