"""What can go wrong, each with the exit code that tells the scheduler what to do about it."""

import re
from typing import Any, ClassVar

_PASSWORD = re.compile(r"(://[^:/@\s'\"]*:)[^\s'\"]+@|(https?://)[^:/@\s'\"]+@")
_IN_QUERY = re.compile(
    r"([?&][^=&\s'\"]*(?:pass|pwd|secret|token|key|signature)[^=&\s'\"]*=|"
    r"Basic (?=[\w+/=]{16})|Bearer (?=[\w.-]{16}))"
    r"([^&\s'\"]+)",
    re.I,
)


def without_passwords(text: str) -> str:
    """The text with the secrets of every address in it replaced.

    >>> without_passwords("postgresql://stille:secret@host/crm, https://host/?token=abc")
    'postgresql://stille:***@host/crm, https://host/?token=***'
    """
    return _IN_QUERY.sub(r"\1***", _PASSWORD.sub(r"\1\2***@", text))


class StilleError(Exception):
    """Something a person must act on: the message says what, where, why and the next command.

    Secrets of addresses in it are masked.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, *parts: object) -> None:
        super().__init__(*(without_passwords(p) if isinstance(p, str) else p for p in parts))


class ConfigError(StilleError):
    """The configuration or the command line cannot be used as it stands."""

    exit_code = 2


class ContractError(StilleError):
    """The company's tables break the data contract."""

    exit_code = 3


class ModelError(StilleError):
    """No usable model, or one that does not fit the features."""

    exit_code = 4


class PublicationError(StilleError):
    """Storage or publication failed; the last good publication stands."""

    exit_code = 5


class GateError(StilleError):
    """A quality gate closed; a person must look."""

    exit_code = 6


class CompleteError(GateError):
    """The run is complete and a person must look at its ``result``, which is written."""

    result: Any


class BusyError(StilleError):
    """Another run holds the lock, or the input changed while it was read: retry later."""

    exit_code = 75
