"""The documentation page of the published files, made from the fields themselves."""

from pathlib import Path

from pipelines.lists.fields import Field
from pipelines.lists.outcomes import ALL_OUTCOME_FIELDS
from pipelines.lists.risk_list import FIELDS

_HEAD = """# What a night publishes

`out/<company>/<as-of date>/<run id>/`; `out/<company>/current` points at the newest good one, and
`current.json` says the same where links do not work. A folder is never changed after it has been
published.

- `risk_list.csv`, `risk_list.parquet`: every customer with an active contract, riskiest first,
  sentences in the first language of the configuration. `risk_list.<language>.*` are the same rows
  with sentences in the other languages.
- `outcome_probabilities.csv`, `outcome_probabilities.parquet`, where the model has outcomes by
  horizon (`label.horizons`): a row per customer and horizon, customers as in the risk list.
- `datapackage.json`: every file with its SHA-256 and columns, the model, the digests of the
  inputs and of the configuration, the lowest probability of each risk band, and `degraded`: true
  when the registry of models did not answer and the champion that it named last (at most seven
  days ago) scored. It is a Frictionless Data Package.

Each list comes in the files that `list.profiles` names:

- `crm` (default), `.csv`: for machines: UTF-8, commas, decimal points, LF, ISO dates.
- `excel-nb`, `excel-sv`, `.excel.csv`: for a double click in a Norwegian or Swedish Excel:
  semicolons, decimal commas, UTF-8 with its mark, CRLF, headers in the language. It is written for
  the list of that language.
- `xlsx`, `.xlsx`: for people: ids as text, a frozen header in the list's language, no formulas, no
  links.
- `parquet`, always written, `.parquet`: the same columns, typed, texts as they are.

An empty cell is null. A text that a spreadsheet would run as a formula has an apostrophe before it,
in all but Parquet. Excel takes leading zeros from an id in a CSV file: where ids have them, open
the workbook. A list of more than `list.rows_per_file` rows goes on in `.part-02` and so on. The
headers are those of `configs/titles/`. Reasons are given for the first rows only
(`list.explained_rows`); a column that a company has no data for is left out.

Every run, good or bad, leaves a record in `var/<company>/runs/<run id>.json`: status, exit code,
timings, rows, quarantined rows by rule, gates, model, digests and the error.

## risk_list

| column | type | meaning |
|---|---|---|
"""

_OUTCOMES = """
## outcome_probabilities

How each customer's time may end within each horizon, counted from the end of the lead, for one who
has not left before that. The chances of a row add up to exactly 1; no outcome falls from a horizon
to the next longer one. Outcomes that ended fewer than 50 customers of the training data are pooled
in `other`, which is left out when there are none; the training run's `outcomes_by_horizon.json`
names them.

`voluntary` is not `churn_probability`. `churn_probability` is the chance of a voluntary notice if
nothing else ends the contract first; `voluntary` lets the other outcomes come first. For the same
horizon they answer the same question when `voluntary / (voluntary + stayed)` is taken, up to the
difference of two models: the list is ranked by the churn model.

| column | type | meaning |
|---|---|---|
"""


def outputs_page() -> str:
    """Markdown of docs/outputs.md."""
    risk = "".join(_row(field) for field in FIELDS)
    return _HEAD + risk + _OUTCOMES + "".join(_row(field) for field in ALL_OUTCOME_FIELDS)


def _row(field: Field) -> str:
    allowed = f" One of {', '.join(field.allowed)}." if field.allowed else ""
    return f"| {field.name} | {field.type} | {field.doc}{allowed} |\n"


if __name__ == "__main__":
    Path("docs/outputs.md").write_text(outputs_page(), encoding="utf-8")
