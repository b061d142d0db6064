"""Published sentences of one night held against the source rows, in every language."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.sentences.claims import holds
from benchmarks.sentences.person import Clock, Person, Row

Rows = Mapping[str, Mapping[str, list[Row]]]
SLOTS = ("reason_1", "reason_2", "reason_3", "protective_1")
_MONTHS = (
    ("January", "januar", "januari"),
    ("February", "februar", "februari"),
    ("March", "mars", "mars"),
    ("April", "april", "april"),
    ("May", "mai", "maj"),
    ("June", "juni", "juni"),
    ("July", "juli", "juli"),
    ("August", "august", "augusti"),
    ("September", "september", "september"),
    ("October", "oktober", "oktober"),
    ("November", "november", "november"),
    ("December", "desember", "december"),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """How many sentences were checked, by their wording, and which were false or unreadable."""

    sentences: int
    wordings: Mapping[str, int]
    false: tuple[str, ...]
    unreadable: tuple[str, ...]
    translated: int
    mistranslated: tuple[str, ...]


def lists(folder: Path) -> dict[str, pd.DataFrame]:
    """The risk list of a night by language; the first one is in the file without one."""
    found = {
        p.stem.partition(".")[2]: pd.read_parquet(p) for p in folder.glob("risk_list*.parquet")
    }
    return {language: rows.set_index("customer_id") for language, rows in found.items()}


def sentences(rows: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    """Customer, slot and text of everything that a list says."""
    for slot in SLOTS:
        said = rows[f"{slot}_text"].dropna()
        yield from ((str(customer), slot, str(text)) for customer, text in said.items())


def check(
    night: Mapping[str, pd.DataFrame],
    rows: Rows,
    clock: Clock,
    attribute: Callable[[str, str], bool | None] = lambda customer, text: None,
) -> Checked:
    """Hold every English sentence against the rows, and the other languages' against it.

    ``attribute`` judges what quotes a company's own column.
    """
    english = night.get("en", night[""])
    false, unreadable, total = [], [], 0
    wordings: dict[str, int] = {}
    for customer, slot, text in sentences(english):
        tables = {**rows.get("", {}), **rows.get(customer, {})}
        true = attribute(customer, text)
        true = holds(Person(clock, tables), text) if true is None else true
        total += 1
        key = re.sub(r"\d+", "#", text)
        wordings[key] = wordings.get(key, 0) + 1
        if true is None:
            unreadable.append(f"{customer} {slot}: {text}")
        elif not true:
            false.append(f"{customer} {slot}: {text}")
    wrong, translated = [], 0
    for language, other in night.items():
        for customer, slot, text in sentences(other if other is not english else other.head(0)):
            translated += 1
            said = str(english.loc[customer, f"{slot}_text"])
            if figures(text) != figures(said):
                wrong.append(f"{language} {customer} {slot}: {text} / {said}")
    return Checked(total, wordings, tuple(false), tuple(unreadable), translated, tuple(wrong))


def mutants(
    night: Mapping[str, pd.DataFrame],
    rows: Rows,
    clock: Clock,
    attribute: Callable[[str, str], bool | None] = lambda customer, text: None,
) -> tuple[int, int]:
    """How many figures were raised by one, and how many of these sentences still count as true.

    Windows, such as 90 days, are left as they are. It shows what the check itself would miss.
    """
    made = missed = 0
    for customer, _, text in sentences(night.get("en", night[""])):
        tables = {**rows.get("", {}), **rows.get(customer, {})}
        for number in re.finditer(r"(?<!last )\b\d+\b(?! (?:of|for) |\.\d)", text):
            wrong = f"{text[: number.start()]}{int(number[0]) + 1}{text[number.end() :]}"
            made += 1
            true = attribute(customer, wrong)
            missed += bool(_or_false(clock, tables, wrong) if true is None else true)
    return made, missed


def _or_false(clock: Clock, tables: Mapping[str, list[Row]], text: str) -> bool:
    try:
        return bool(holds(Person(clock, tables), text))
    except ValueError:
        # A day that no month has.
        return False


def figures(text: str) -> list[str]:
    """The dates and numbers of a sentence, sorted, as no language writes them."""
    found = []
    for number, names in enumerate(_MONTHS, start=1):
        pattern = rf"(\d+)\.? (?:{'|'.join(names)}) (\d{{4}})"
        found += [f"{y}-{number}-{d}" for d, y in re.findall(pattern, text)]
        text = re.sub(pattern, "", text)
    if re.search(r"\d,\d{3}\b|\d\.\d", text):
        text = text.replace(",", "")
    text = re.sub(r"(?<=\d) (?=\d{3}\b)", "", text).replace(",", ".")
    return sorted([*found, *(f"{float(n):g}" for n in re.findall(r"\d+(?:\.\d+)?", text))])
