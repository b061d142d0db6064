from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.errors import ModelError
from models.dataset.feature_spec import FeatureColumn, FeatureSpec, learn_spec, realign

WAIT = FeatureColumn("wait", "number", "wait", "support_wait", 1, "max(wait)")
CHANNEL = FeatureColumn("channel", "category", "profile", "relationship", 0, "any(channel)")
FRAME = pd.DataFrame({"wait": [1.0, np.nan, 3.0, 4.0], "channel": ["web", "app", None, "phone"]})
HAVE = learn_spec([WAIT, CHANNEL], FRAME)


def test_the_same_as_encoding_for_the_other_model() -> None:
    for words in (["phone", "web"], ["app", "phone", "store", "web"], ["store"]):
        want = FeatureSpec((replace(CHANNEL, vocabulary=tuple(words)), WAIT))
        found = realign(HAVE.encode(FRAME), HAVE, want)
        np.testing.assert_array_equal(found, want.encode(FRAME))
        assert found.flags.f_contiguous


@pytest.mark.parametrize(
    "column",
    [
        replace(WAIT, name="other"),
        replace(WAIT, definition="min(wait)"),
        replace(WAIT, kind="category"),
    ],
)
def test_another_feature_is_refused_by_name(column: FeatureColumn) -> None:
    with pytest.raises(ModelError, match=column.name):
        realign(HAVE.encode(FRAME), HAVE, FeatureSpec((column, CHANNEL)))
