"""Addresses of databases: what may be said of them, and messages without their secrets."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

_QUOTED = re.compile(r'"([^"]*)"')
_IN_CONNECTION_STRING = re.compile(r"(?i)\b(?:pwd|password|token|secret)\s*=\s*([^;]+)")


class DroppedError(Exception):
    """The connection broke; its message has no secrets."""


@dataclass(frozen=True, slots=True)
class Address:
    """How one database is reached: the driver's name, its address, its own options."""

    driver: str
    uri: str = field(repr=False)
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def public(self) -> str:
        """What messages call it: no user, no password, no options."""
        return public_address(self.uri) if self.driver == "postgresql" else self.driver

    def hide(self, text: str) -> str:
        """The first line of a message with nothing secret of the address in it."""
        line = without_secrets(text, self.uri)
        secrets = [*_IN_CONNECTION_STRING.findall(self.uri), *(value for _, value in self.options)]
        for secret in secrets:
            if len(secret) > 1:
                line = line.replace(secret, "***")
        return line


def public_address(uri: str) -> str:
    """Scheme, host, port and database of an address: no user, no password, no options.

    >>> public_address("postgresql://stille:secret@host:5432/crm?sslmode=require")
    'postgresql://host:5432/crm'
    """
    try:
        parts = urlsplit(uri)
        port = f":{parts.port}" if parts.port is not None else ""
        return f"postgresql://{parts.hostname or 'local'}{port}{parts.path}"
    except ValueError:
        return "postgresql://(an address that cannot be read)"


def without_secrets(text: str, uri: str) -> str:
    """The first line of a message of the database, with nothing of the password in it."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    userinfo = uri.partition("://")[2].rpartition("@")[0]
    user, _, password = userinfo.partition(":")
    option = dict(parse_qsl(uri.partition("?")[2])).get("password", "")
    for secret in (userinfo, password, unquote(password), option):
        if len(secret) > 1 and secret != user:
            line = line.replace(secret, "***")

    def hide(quoted: re.Match[str]) -> str:
        part = quoted.group(1)
        return '"***"' if part and part in userinfo and part != user else quoted.group(0)

    return _QUOTED.sub(hide, line)
