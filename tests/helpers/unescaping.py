"""What whoever reads a list back does with an apostrophe that ``escape`` gave a cell."""

import pandas as pd


def unescape(text: pd.Series) -> pd.Series:
    """The inverse of ``escape``: one apostrophe less where one stands before a dangerous sign."""
    return text.str.replace("^'('*[=+\\-@\t\r\n\x00＝＋－＠])", r"\1", regex=True)
