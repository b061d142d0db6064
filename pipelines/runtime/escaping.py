"""Text escaping: CSV cells against formulas, strict JSON, HTML and Markdown templates.

A cell that a spreadsheet would run, one that begins with ``= + - @``, tab, CR, LF, NUL or one of
their full-width forms, gets a leading apostrophe, and so does one with apostrophes before such a
character: taking one away always gives the original back.
"""

from functools import cache

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from pydantic_core import to_json

from features.errors import ContractError

_DANGEROUS = "=+\\-@\t\r\n\x00＝＋－＠"
_TURNS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
ESCAPE = f"^('*[{_DANGEROUS}])"
_MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*[]|#"} | {"<": "&lt;", ">": "&gt;"})


def escape(text: pd.Series) -> pd.Series:
    """Give dangerous cells of a ``str`` series their apostrophe; nulls stay null.

    >>> escape(pd.Series(["=1+1", "plain"], dtype="str")).tolist()
    ["'=1+1", 'plain']
    """
    return text.str.replace(ESCAPE, r"'\1", regex=True)


def refuse_dangerous_ids(ids: pd.Series, place: str) -> None:
    """Raise ``ContractError`` for ids that would need an apostrophe, by their count.

    An escaped id no longer joins, and an unescaped one is a formula, so neither is written.
    """
    bad = ids.str.match(ESCAPE, na=False)
    if bad.any():
        raise ContractError(
            f"{place}: {int(bad.sum())} of {len(ids)} ids begin with a character that a "
            "spreadsheet reads as a formula (= + - @, a tab, a line break or their full-width "
            "forms). Map another key column to it in the configuration, then run `stille check`."
        )


def plain_json(value: object) -> bytes:
    """``value`` of mappings, sequences, texts, numbers, dates and None as UTF-8 JSON."""
    return to_json(value, indent=1, inf_nan_mode="null", fallback=dict)


def _facing_forward(value: object) -> object:
    """A value for a page; of a text without the signs that turn what follows it round."""
    return value.translate(_TURNS) if isinstance(value, str) else value


def escape_markdown(value: object) -> str:
    """Text that Markdown shows as it stands, on one line."""
    return " ".join(str(value).split()).translate(_MARKDOWN)


@cache
def page_template(name: str) -> Template:
    """The template ``pipelines/templates/<name>``; a value that it misses is an error.

    Every value is escaped, for Markdown in a template of that ending, for HTML in any other.
    """
    markdown = name.endswith(".md")
    pages = Environment(
        loader=PackageLoader("pipelines"),
        autoescape=select_autoescape(["html"]),
        finalize=escape_markdown if markdown else _facing_forward,
        keep_trailing_newline=markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template(name)
