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
        """What messages call it: no user, no password, no options.

        >>> Address("postgresql", "postgresql://stille:secret@host:5432/crm?sslmode=require").public
        'postgresql://host:5432/crm'
        """
        if self.driver != "postgresql":
            return self.driver
        try:
            parts = urlsplit(self.uri)
            port = f":{parts.port}" if parts.port is not None else ""
            return f"postgresql://{parts.hostname or 'local'}{port}{parts.path}"
        except ValueError:
            return "postgresql://(an address that cannot be read)"

    def hide(self, text: str) -> str:
        """The first line of a message with nothing secret of the address in it."""
        line = text.strip().splitlines()[0] if text.strip() else ""
        userinfo = self.uri.partition("://")[2].rpartition("@")[0]
        user, _, password = userinfo.partition(":")
        option = dict(parse_qsl(self.uri.partition("?")[2])).get("password", "")
        given = [*_IN_CONNECTION_STRING.findall(self.uri), *dict(self.options).values()]
        for secret in (userinfo, password, unquote(password), option, *given):
            if len(secret) > 1 and secret != user:
                line = line.replace(secret, "***")

        def mask(quoted: re.Match[str]) -> str:
            part = quoted.group(1)
            return '"***"' if part and part in userinfo and part != user else quoted.group(0)

        return _QUOTED.sub(mask, line)
