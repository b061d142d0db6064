"""Column-name similarity over Norwegian, Danish, Swedish and English synonyms.

A name becomes a set of English stems: lower case, without accents, split at every change of case
and every sign that is no letter, each word looked up among Norwegian, Danish, Swedish and English
synonyms (``configs/words.yaml``). ``FakturaNr`` and ``invoice_id`` both become {invoice, id}.
"""

import re
import unicodedata
from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import cache

from pipelines.config.text_files import WORDS, read_yaml

_ENDINGS = ("", "s", "r", "n", "er", "ar", "or", "en", "es", "ene", "erna", "arna", "orna")
# Words that tell a moment from a day, or one export from the next, and nothing more.
_EMPTY = {"on", "at", "moment", "export", "crm", "dump", "tbl", "fact", "dim", "data", "v"}


@cache
def word_list(section: str) -> Mapping[str, frozenset[str]]:
    """A section of ``configs/words.yaml``: what companies say for each of its words.

    Raises ``ConfigError`` where the file cannot be read.
    """
    words = read_yaml(WORDS, "the words that companies use")[section]
    return {word: frozenset(said.split()) for word, said in words.items()}


@cache
def _stems() -> dict[str, str]:
    return {word: stem for stem, words in word_list("stems").items() for word in (stem, *words)}


@cache
def plain(name: str) -> str:
    """Lower case, without accents.

    >>> plain("Målernr")
    'malernr'
    """
    spelled = name.replace("ø", "o").replace("Ø", "O").replace("æ", "ae").replace("Æ", "Ae")
    folded = unicodedata.normalize("NFKD", spelled)
    return "".join(sign for sign in folded if not unicodedata.combining(sign)).lower()


@cache
def stems(name: str) -> frozenset[str]:
    """The English stems of a name's words, without those that every export has.

    >>> sorted(stems("FakturaNr"))
    ['id', 'invoice']
    """
    joined = re.sub(r"\b([eE])[-_ ](?=post|mail|faktura|invoice)", r"\1", name)
    parts = re.sub(r"([a-z0-9æøåäö])([A-ZÆØÅÄÖ])", r"\1 \2", joined)
    words = [word for word in re.split(r"[^a-z]+", plain(parts)) if word]
    return frozenset(stem for word in words for stem in _split(word)) - _EMPTY


def _split(word: str) -> tuple[str, ...]:
    """A word's stem; a compound such as ``fakturanr`` is split in two known words."""
    found = _stem(word)
    if found is not None:
        return (found,)
    for cut in range(len(word) - 2, 2, -1):
        head, tail = _stem(word[:cut]), _stem(word[cut:])
        if head is not None and tail is not None:
            return head, tail
    return (word,)


def _stem(word: str) -> str | None:
    """The stem of a known word in one of its usual endings."""
    known = _stems()
    bases = (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))
    forms = (form for base in bases for form in (base, f"{base}e"))
    return next((known[form] for form in forms if form in known), None)


@cache
def likeness(name: str, target: str, context: str = "") -> float:
    """How alike two names are, from 0 to 1: shared stems first, then letters.

    Words of ``context`` (the table's name) say nothing new, as in ``faktura_belop`` among invoices.
    """
    if plain(name) == plain(target):
        return 1.0
    around = stems(context)
    ours, theirs = stems(name), stems(target)
    ours, theirs = ours - around or ours, theirs - around or theirs
    if ours == theirs:
        return 0.95
    shared = len(ours & theirs) / max(len(ours | theirs), 1)
    letters = SequenceMatcher(None, plain(name), plain(target)).ratio()
    return max(0.9 * shared, 0.8 * letters)
