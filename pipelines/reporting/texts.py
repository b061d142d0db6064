"""Localised texts and number formats of the report, read from configs/report/.

Texts are files, so that a company can word them without touching code.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from features.errors import ConfigError
from models.causal.treatment_effect import Effect
from pipelines.config.text_files import read_yaml

_GROUPS = {"action": "actions", "product_line": "product_lines"}


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts by key ("past.title"), with ``$name`` where a value goes."""

    language: str
    locale: Locale
    texts: Mapping[str, str]

    def say(self, key: str, /, **values: object) -> str:
        """One text with its values; raises ``KeyError`` for a key or a value that is missing."""
        return Template(self.texts[key]).substitute(values)

    def name(self, key: str, code: str) -> str:
        """What a code is called; the code itself where the texts have no name for it."""
        return self.texts.get(f"{key}.{code}", code)

    def group(self, effect: Effect) -> str:
        """What the group of customers is called whose effect was measured."""
        return self.name(_GROUPS.get(effect.kind, "lanes"), effect.group)

    def count(self, value: float) -> str:
        return str(format_decimal(round(value), locale=self.locale))

    def decimal(self, value: float, digits: int = 2) -> str:
        form = f"#,##0.{'0' * digits}"
        return str(format_decimal(value, format=form, locale=self.locale))

    def share(self, value: float, digits: int = 1) -> str:
        return str(format_percent(value, format=self._percent(digits), locale=self.locale))

    def points(self, value: float) -> str:
        """A difference of two shares in percentage points, with its sign and without the unit."""
        form = "+#,##0.0;-#,##0.0"
        return str(format_decimal(100 * value, format=form, locale=self.locale))

    def day(self, value: date) -> str:
        return str(format_date(value, "long", locale=self.locale))

    def days(self, values: Iterable[date]) -> str:
        return ", ".join(self.day(value) for value in values)

    def money(self, value: float, currency: str) -> str:
        """Whole units, as figures of a whole night are not exact to the penny."""
        form = self.texts["money"]
        return str(
            format_currency(
                round(value), currency, format=form, locale=self.locale, currency_digits=False
            )
        )

    def _percent(self, digits: int) -> str:
        return self.texts["percent"].replace("0", f"0.{'0' * digits}" if digits else "0")


def load_texts(path: Path) -> Texts:
    """Read ``<language>.yaml``; raises ``ConfigError`` unless it is a tree of texts."""
    tree = read_yaml(path, "the report's texts")
    try:
        texts = dict(_flat(tree))
        return Texts(path.stem, Locale.parse(texts["locale"]), texts)
    except (UnknownLocaleError, TypeError, ValueError, KeyError) as error:
        raise ConfigError(f"{path} is not a file of the report's texts: {error}") from error


def _flat(tree: Any, above: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, str):
        yield above, tree
        return
    for name, below in dict(tree).items():
        yield from _flat(below, f"{above}.{name}" if above else str(name))
