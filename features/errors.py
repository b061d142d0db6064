"""What can go wrong, each with the exit code that tells the scheduler what to do about it."""

from typing import Any, ClassVar


class StilleError(Exception):
    """Something a person must act on: the message says what, where, why and the next command."""

    exit_code: ClassVar[int] = 1


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
