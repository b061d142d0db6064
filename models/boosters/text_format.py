"""LightGBM's model text, version v4: validated before parsing, and parsed.

The parser trusts sizes and indices. A text that passes has trees whose every index, length and
number is in bounds, so the parser has nothing to trip over.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise

import lightgbm as lgb
import numpy as np

from features.errors import ModelError
from models.dataset.array_types import Floats, Index

MOST_TREES = 20_000
MOST_LEAVES = 4_096
_HEADER = {"version": "v4", "label_index": "0"}
_PER_SPLIT = ("split_gain", "internal_value", "internal_weight", "internal_count")
_PER_LEAF = ("leaf_value", "leaf_weight", "leaf_count")
_CATEGORY = 1
_FINITE = float(np.finfo(np.float64).max)
_THREADS = re.compile(r"^\[num_threads: .*\]\n", re.MULTILINE)
NEXT = "Roll back to the last good version (stille rollback) or train again (stille train)."
Splits = tuple[Index, Floats]
"""Where one tree divides: feature and threshold of each numeric split, both (s,)."""
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


def plain_booster(booster: lgb.Booster) -> lgb.Booster:
    """The booster as its stored text gives it back, without its training data.

    The number of threads is left out of the text: it changes no tree, and without it one
    thread and two give the same bytes.
    """
    return lgb.Booster(model_str=_THREADS.sub("", booster.model_to_string()))


def parse_booster(content: bytes) -> lgb.Booster:
    """The booster of a text that ``read_splits`` accepts. Raises ``ModelError``."""
    with refuse_damage("A booster's text cannot be read"):
        return lgb.Booster(model_str=content.decode())


@contextmanager
def refuse_damage(complaint: str) -> Iterator[None]:
    """Turn what a damaged file raises while it is read into a ``ModelError`` with a next step."""
    try:
        yield
    except (*_DAMAGE, lgb.basic.LightGBMError) as error:
        raise ModelError(f"{complaint} ({error}). {NEXT}") from error


def read_splits(text: str, names: Sequence[str], classes: int = 1) -> list[Splits]:
    """The numeric splits of every tree of a booster on the features ``names``.

    It is binary, or a softmax over ``classes`` when that is more than 1. Raises ``ValueError``
    saying what is wrong with the text.
    """
    head, separator, rest = text.partition("\n\nTree=0\n")
    header = _fields(head.splitlines())
    _check_header(header, names, classes)
    sizes = [int(size) for size in header["tree_sizes"].split()]
    body, end_marker, _ = f"Tree=0\n{rest}".partition("end of trees\n")
    if not (separator and end_marker and 0 < len(sizes) <= MOST_TREES and min(sizes) > 0):
        raise ValueError(f"it must hold 1 to {MOST_TREES} trees")
    if sum(sizes) != len(body.encode()):
        raise ValueError("its trees have not the sizes that it says")
    starts = np.cumsum([0, *sizes])
    blocks = [body[a:b] for a, b in pairwise(starts)]
    return [_tree(block, number, len(names)) for number, block in enumerate(blocks)]


def _fields(lines: Sequence[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if equals:
            if key in fields:
                raise ValueError(f"it says {key[:40]} twice")
            fields[key] = value
    return fields


def _check_header(header: Mapping[str, str], names: Sequence[str], classes: int) -> None:
    if header.get("feature_names", "").split(" ") != list(names):
        raise ValueError("it was trained on other features, or in another order, than spec.json")
    counts = {"num_class": str(classes), "num_tree_per_iteration": str(classes)}
    for key, value in {**_HEADER, **counts, "max_feature_idx": str(len(names) - 1)}.items():
        if header.get(key) != value:
            raise ValueError(f"its {key} is not {value}")
    kind = "binary" if classes == 1 else "multiclass "
    if not header.get("objective", "").startswith(kind) or "tree_sizes" not in header:
        raise ValueError(f"it is not a {kind.strip()} classifier with the sizes of its trees")


def _tree(block: str, number: int, features: int) -> Splits:
    fields = _fields(block.splitlines())
    leaves = int(fields["num_leaves"])
    if fields["Tree"] != str(number) or not 1 <= leaves <= MOST_LEAVES:
        raise ValueError(f"tree {number} is out of order or has {leaves} leaves")
    if fields["is_linear"] != "0" or not math.isfinite(float(fields["shrinkage"])):
        raise ValueError(f"tree {number} is linear or has no shrinkage")
    if leaves == 1:
        _numbers(fields, "leaf_value", 1)
        return np.empty(0, dtype=np.intp), np.empty(0)
    for name in _PER_LEAF:
        _numbers(fields, name, leaves)
    for name in _PER_SPLIT:
        _numbers(fields, name, leaves - 1)
    # Infinity stands where every known value goes left and only a missing one right.
    threshold = _numbers(fields, "threshold", leaves - 1, most=math.inf)
    feature = _indices(fields, "split_feature", leaves - 1, features)
    category = _indices(fields, "decision_type", leaves - 1, 16) & _CATEGORY == _CATEGORY
    _check_shape(fields, leaves)
    _check_categories(fields, threshold[category])
    return feature[~category], threshold[~category]


def _numbers(fields: Mapping[str, str], name: str, count: int, most: float = _FINITE) -> Floats:
    values = np.array(fields[name].split(), dtype=np.float64)
    if len(values) != count or not ((values >= -_FINITE) & (values <= most)).all():
        raise ValueError(f"{name} of a tree is not {count} numbers in its bounds")
    return values


def _indices(fields: Mapping[str, str], name: str, count: int, below: int) -> Index:
    values = np.array(fields[name].split(), dtype=np.intp)
    if len(values) != count or not ((values >= 0) & (values < below)).all():
        raise ValueError(f"{name} of a tree is not {count} whole numbers from 0 to {below - 1}")
    return values


def _check_shape(fields: Mapping[str, str], leaves: int) -> None:
    """Every split but the first, and every leaf (written as −1, −2 …), has one parent before it."""
    sides = [np.array(fields[f"{side}_child"].split(), dtype=np.intp) for side in ("left", "right")]
    children = np.concatenate(sides)
    if len(children) != 2 * (leaves - 1) or len(sides[0]) != leaves - 1:
        raise ValueError("a tree's splits lack children")
    if not np.array_equal(np.sort(children), np.r_[-leaves:0, 1 : leaves - 1]):
        raise ValueError("a tree's splits and leaves have not one parent each")
    parents = np.tile(np.arange(leaves - 1), 2)
    if not (children[children >= 0] > parents[children >= 0]).all():
        raise ValueError("a tree turns back on itself")


def _check_categories(fields: Mapping[str, str], used: Floats) -> None:
    count = int(fields["num_cat"])
    if count == 0 and len(used) == 0:
        return
    if not 0 < count <= MOST_LEAVES or len(used) != count:
        raise ValueError("a tree's splits by category do not fit its num_cat")
    bounds = np.array(fields["cat_boundaries"].split(), dtype=np.intp)
    words = _indices(fields, "cat_threshold", int(bounds[-1]), 2**32)
    rising = bounds[0] == 0 and (np.diff(bounds) > 0).all() and bounds[-1] == len(words)
    if len(bounds) != count + 1 or not rising or set(used) != set(range(count)):
        raise ValueError("a tree's categories are out of bounds")
