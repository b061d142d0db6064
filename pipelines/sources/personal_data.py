"""Personal data: columns that never enter, and ids replaced by a keyed hash as they are read."""

import hashlib
import hmac
from functools import cache

from features.contract import FORBIDDEN_COLUMNS
from pipelines.runtime.duckdb_connection import Connection
from pipelines.sources.synonyms import plain, stems

_SAYS_WHOSE = frozenset({"customer", "id", "by", "handle", "first", "last", "full"})


@cache
def _reasons() -> dict[str, str]:
    return {
        stem: reason
        for column, reason in FORBIDDEN_COLUMNS.items()
        for stem in {column, *stems(column)} - _SAYS_WHOSE
    }


def why_forbidden(name: str) -> str | None:
    """Why a column of this name is never read; None when it may be.

    ``fornavn``, ``saksbehandler`` and ``PhoneNumber`` are forbidden columns in other words; a name
    that says more than those words, such as ``plan_name``, is another thing.
    """
    exact = FORBIDDEN_COLUMNS.get(plain(name))
    if exact is not None:
        return exact
    words = stems(name) - _SAYS_WHOSE
    if not words or not words <= _reasons().keys():
        return None
    # An agent's name is an agent's before it is a name.
    return _reasons()["agent" if "agent" in words else min(words)]


WHOSE = frozenset({"customer_id", "contract_id", "household_id"})
"""The columns that say who a row is about; cases and bills keep their numbers."""

LENGTH = 32
_BLOCK = 64
_INNER, _OUTER = "pseudonym_inner", "pseudonym_outer"
_PSEUDONYM = f"""
create or replace temp macro pseudonym(id) as left(sha256(
    getvariable('{_OUTER}') || unhex(sha256(getvariable('{_INNER}') || encode(id)))), {LENGTH})"""


def pseudonym(text: str, key: bytes) -> str:
    """The first 32 hex digits of HMAC-SHA-256 (RFC 2104) of an id, as UTF-8.

    128 bits: two of ten million customers share one with a chance of 1 in 10^25.
    """
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:LENGTH]


def define_pseudonym(connection: Connection, key: bytes) -> None:
    """Give a connection the SQL function ``pseudonym(text)``; null stays null.

    The key is held in variables, so that no statement or message quotes it.
    """
    short = hashlib.sha256(key).digest() if len(key) > _BLOCK else key
    block = short.ljust(_BLOCK, b"\0")
    for name, pad in ((_INNER, 0x36), (_OUTER, 0x5C)):
        connection.execute(f"set variable {name} = ?::blob", [bytes(byte ^ pad for byte in block)])
    connection.execute(_PSEUDONYM)
