"""Addresses of databases: what may be shown of them, and how long a connection may take."""

import re
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "tcp_user_timeout": "60000",
    "application_name": "stille",
}
_QUOTED = re.compile(r'"([^"]*)"')


def shown(uri: str) -> str:
    """Scheme, host, port and database of an address: no user, no password, no options."""
    try:
        parts = urlsplit(uri)
        port = f":{parts.port}" if parts.port is not None else ""
        return f"postgresql://{parts.hostname or 'local'}{port}{parts.path}"
    except ValueError:
        return "postgresql://(an address that cannot be read)"


def patient(uri: str) -> str:
    """The address with limits on connecting and on a silent network, where it has none."""
    query = uri.partition("?")[2]
    given = dict(parse_qsl(query, keep_blank_values=True))
    added = urlencode({key: value for key, value in _PATIENCE.items() if key not in given})
    joint = "" if not added else "&" if query else "?" if "?" not in uri else ""
    return f"{uri}{joint}{added}"


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
