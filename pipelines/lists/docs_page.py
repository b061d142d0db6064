"""Documentation generator: docs/outputs.md, made from the declared fields of each list."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from features.markdown import markdown_table
from pipelines.lists.causes import CAUSE_FIELDS
from pipelines.lists.changes import CHANGE_FIELDS
from pipelines.lists.lane_reasons import RULES
from pipelines.lists.list_columns import FIELDS, LANE_LISTS, RISK_LIST
from pipelines.lists.outcomes import ALL_OUTCOME_FIELDS
from pipelines.publication.schema import Field

_HEAD = """# What a night publishes

`out/<company>/<as-of date>/<run id>/`; `out/<company>/current` points at the newest good one, and
`current.json` says the same where links do not work. A folder is never changed after it has been
published.

- `risk_list.csv`, `risk_list.parquet`: every customer with an active contract, riskiest first,
  sentences in the first language of the configuration. `risk_list.<language>.*` are the same rows
  with sentences in the other languages.
- `call_list`, `fix_list`, `service_list`, `leave_in_peace`, `suppressed` (each `.csv` and
  `.parquet`): the lanes, see below. Every customer of the risk list is in one lane, or in none.
- `changes.csv`, `changes.parquet`: who entered, left or moved since the published night before.
- `causes.csv`, `causes.parquet`: what removing each driver family, and each driver, would be worth.
- `outcome_probabilities.csv`, `outcome_probabilities.parquet`, where the model has outcomes by
  horizon (`label.horizons`): a row per customer and horizon, customers as in the risk list.
- `report.html`, `report.<language>.html`: the night on one page, for a retention manager, in each
  language of the lists; see below.
- `datapackage.json`: every file with its SHA-256 and columns, the model, the digests of the
  inputs and of the configuration, the lowest probability of each risk band, the customers of each
  lane, the arms by risk band, the range of the acquisition multiple, the calling hours, and
  `degraded`: true when the registry of models did not answer and the champion that it named last
  (at most seven days ago) scored. It is a Frictionless Data Package.

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

"""

_LANES = """
## Lanes

What becomes of each customer tonight (`lane`), decided in this order; `lane_rule` names the rule
that kept one off the call list.

1. The company's own faults are repaired (`fix`) and service information is sent (`service`),
   whoever the customer is, as neither is an outreach: `configs/actions.yaml` says which action is
   which, for the strongest reason that calls for something.
2. Nobody is contacted without such a reason.
3. Nobody is contacted whom a bar protects ([allowed-contact.md](allowed-contact.md)): permissions
   are read again from the company's tables when the night publishes.
4. Who is satisfied and silent is left in peace (`list.peace`), and so is everybody who is asleep
   and whom it is not worth to wake, and everybody whom a list by risk would have called although
   contact is expected to do harm: the expected value is below zero.
5. One call a household: to the member of highest value.
6. The team's minutes (`list.capacity_minutes`) go to the highest expected value per minute. Who was
   on the last call list stays, while contact is worth it, until the risk falls below 35 % of the
   median risk of a list made anew (docs/lists.md: fewer names change, and neither lift nor value is
   lost). Equal values go by customer id.
7. Of those who would have been called, `list.holdout_share` are held out (`suppressed`, rule
   `holdout`), so that the effect of calling can be measured.

The expected value of a contact is `p·γ·(CLV − d) − f − (1 − p)·ω·CLV` (`economics` in the
configuration), at the low end of the acquisition multiple; `expected_value_high` is the same at
the high end. The order uses the low one.

ω, the chance that contact makes a stayer leave, is one's own. Contacting everybody would wake
`economics.woken_share` of the stayers; all of these are taken to be asleep: on autopay, and nothing
to do with the company for `list.peace.asleep_days` (no contact, no complaint, no outreach, nothing
done in self-service). The others are not woken. A sleeper of high risk is still called for. This is
an assumption with a source (Ascarza, Iyengar and Schleicher 2016: contact wakes those who stay out
of inertia); who of a company's own customers sleeps only its holdout can show, and where `stille
effect` has accepted who responds, that decides instead.

The arm belongs to the customer: it is drawn by a keyed hash of the customer id alone, with the same
share in every risk band, so it never changes from night to night. The key is given by
`STILLE_HOLDOUT_KEY` or in a file that `STILLE_HOLDOUT_KEY_FILE` names; without both it is made by
the first night and kept in `var/<company>/holdout.key`. Back it up: another key draws all arms
anew.

{lanes}

{rules}

## changes

Held against the newest publication of an earlier as-of date. A customer whose lane is the same is
not in it; the first night has none.

"""

_CAUSES = """
## causes

Company-wide: what it would be worth if a driver's irritations had not happened, by scoring again as
if they had not (docs/effect.md). An association until a holdout has measured an action.

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

"""

_REPORT = """
## report

One HTML page that needs no network and no script, is read on a telephone and prints on A4. Texts
are those of `configs/report/`, names those of `configs/names/`. It names no customer: groups with
fewer than 20 explained customers are left out. In order:

1. The status in words, the date, the model, how old the data are, and what needs a look.
2. The night in five numbers.
3. Whom to call first: how many of those expected to leave the first 100, 500 and 1,000 by risk
   hold, and the call list, with what it asks for.
4. The drivers, by product line and segment, and against the night published 7 to 13 days ago.
5. Whether past lists came true, by tenth, with calibration, lift and precision at capacity: the
   newest `stille monitor` that is not after the as-of date.
6. Whether contacting helps: the newest `stille effect`, in red where it raises leaving.
7. What removing each driver would be worth: `causes`.
8. Customers by lane, and by the rule that kept them off the call list.
9. The gates, the tables with their newest events and rows set aside, drift.
10. How to read a score, its limits, and what to do when a customer objects or asks.

What a company does not have yet is said to be not measurable yet. A night that is published is not
written again when something has been measured since; the next night tells of it.
"""


def outputs_page() -> str:
    """Markdown of docs/outputs.md."""
    lanes = _LANES.format(lanes=_table(("file", "who", "columns"), _lane_rows()), rules=_rules())
    sections = {
        _HEAD: FIELDS,
        lanes: CHANGE_FIELDS,
        _CAUSES: CAUSE_FIELDS,
        _OUTCOMES: ALL_OUTCOME_FIELDS,
    }
    return "".join(text + _columns(fields) for text, fields in sections.items()) + _REPORT


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(markdown_table(header, rows))


def _columns(fields: Sequence[Field]) -> str:
    rows = []
    for field in fields:
        allowed = f" One of {', '.join(field.allowed)}." if field.allowed else ""
        rows.append((field.name, field.type, f"{field.doc}{allowed}"))
    return _table(("column", "type", "meaning"), rows) + "\n"


def _rules() -> str:
    rows = [(name, rule.says, rule.source) for name, rule in RULES.items()]
    return _table(("rule", "what it says", "source"), rows)


def _lane_rows() -> Iterator[tuple[str, str, str]]:
    for name, described in LANE_LISTS.items():
        more = [column for column in described.columns if column not in RISK_LIST]
        less = [column for column in RISK_LIST if column not in described.columns]
        columns = f"the risk list's without {', '.join(less)}; with {', '.join(more)}"
        if len(less) > len(described.columns):
            columns = ", ".join(described.columns)
        yield name, described.says, columns


if __name__ == "__main__":
    Path("docs/outputs.md").write_text(outputs_page(), encoding="utf-8")
