"""How text files are written: declared by the operator, never sniffed from a file."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pipelines.config.sections import Section


class Dialect(Section):
    """How text files are written. Nothing of this is ever guessed from a file."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ("",)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'", "_"] = ""
    date: str = "%Y-%m-%d"
    instant: str = "%Y-%m-%d %H:%M:%S"
    true_values: tuple[str, ...] = ("true",)
    false_values: tuple[str, ...] = ("false",)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError as error:
            raise ValueError("not an encoding; for example utf-8, latin-1, cp1252") from error
        return encoding

    @model_validator(mode="after")
    def _distinct_signs(self) -> "Dialect":
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands must differ")
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote must differ")
        return self
