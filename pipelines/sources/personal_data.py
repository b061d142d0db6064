"""Personal data: columns that never enter, under whatever name a company gives them."""

from features.contract import FORBIDDEN_COLUMNS
from pipelines.sources.synonyms import plain, stems

_SAYS_WHOSE = frozenset({"customer", "id", "by", "handle", "first", "last", "full"})
_REASONS = {
    stem: reason
    for column, reason in FORBIDDEN_COLUMNS.items()
    for stem in sorted({column, *stems(column)} - _SAYS_WHOSE)
}


def why_forbidden(name: str) -> str | None:
    """Why a column of this name is never read; None when it may be.

    ``fornavn``, ``saksbehandler`` and ``PhoneNumber`` are the contract's forbidden columns in
    other words. A name that says more than those words, such as ``plan_name``, is another thing.
    """
    exact = FORBIDDEN_COLUMNS.get(plain(name))
    if exact is not None:
        return exact
    words = stems(name) - _SAYS_WHOSE
    if not words or not words <= _REASONS.keys():
        return None
    # An agent's name is an agent's before it is a name.
    return _REASONS["agent" if "agent" in words else min(words)]
