"""Column mapping: the source columns of the contract's columns and of attributes."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from pipelines.config.sections import Section


class ColumnMap(Section):
    """Where a contract column comes from: source columns, a constant, or the row's number.

    The texts of several ``columns`` are joined by ``join`` before they are read, as a date and
    a time that make one instant are; null when one of them is. ``static`` and ``mutable`` say
    of a customer's segment what they say of an ``Attribute``.
    """

    column: str | None = None
    columns: tuple[str, ...] = ()
    join: str = " "
    value: str | None = None
    row_number: bool = False
    values: Mapping[str, str] = {}
    static: bool = False
    mutable: bool = False

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(core)]}

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"column": given}
        if not isinstance(given, dict):
            return given
        # YAML reads 0, true, no and 2016-02-01 as its own types; what was written is meant.
        value, values = given.get("value"), given.get("values")
        if isinstance(value, bool | int | float | date):
            given = {**given, "value": _as_text(value)}
        if isinstance(values, dict):
            given = {**given, "values": {_as_text(key): name for key, name in values.items()}}
        return given

    @model_validator(mode="after")
    def _one_origin(self) -> "ColumnMap":
        given = (self.column is not None, self.columns, self.value is not None, self.row_number)
        if sum(map(bool, given)) != 1:
            raise ValueError("give exactly one of column, columns, value and row_number")
        return self

    @property
    def read(self) -> tuple[str, ...]:
        """The source columns that are read; none for a constant and a row's number."""
        return self.columns if self.column is None else (self.column,)


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Attribute(Section):
    """A column of the customer table that becomes a feature as it stands.

    Such a column has one value for all of time, so it must be ``static``: what it says now it
    said at every as-of date. One that is overwritten is ``mutable``, and only its history in
    ``master_data`` can be learned from. ``as_days`` reads a date and keeps it as days since
    1970-01-01; meant for tables with one as-of date, because such a number drifts with the
    calendar.
    """

    column: str
    type: Literal["number", "category"]
    family: str = "relationship"
    driver: str = "profile"
    unit: str = ""
    sign: Literal[-1, 0, 1] = 0
    doc: str = ""
    as_days: bool = False
    values: Mapping[str, str] = {}
    static: bool = False
    mutable: bool = False
