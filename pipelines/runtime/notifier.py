"""Notifier: a message to Apprise's addresses and a command, all at once and bounded in time."""

import logging
import subprocess
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from functools import partial
from urllib.parse import urlsplit

from pipelines.runtime.environment import background

PATIENCE_SECONDS = 9.0


def deliver(
    title: str, text: str, addresses: Sequence[str], command: Sequence[str], ping: str | None
) -> list[str]:
    """Send to each address and to the command's standard input, and get ``ping``.

    Returns the names of those that did not take it in ``PATIENCE_SECONDS``, without the secrets
    of their addresses, and raises nothing. A thread that still waits then is left behind.
    """
    works: dict[str, Callable[[], object]] = {
        f"address {number} ({urlsplit(address).scheme})": partial(_post, address, title, text)
        for number, address in enumerate(addresses, 1)
    }
    if command:
        works["command"] = partial(_start, command, f"{title}\n\n{text}\n".encode())
    if ping:
        works["ping"] = partial(urllib.request.urlopen, ping, None, PATIENCE_SECONDS)
    running = {name: background(work) for name, work in works.items()}
    wait(running.values(), PATIENCE_SECONDS)
    return [name for name, each in running.items() if not each.done() or each.exception()]


def _start(command: Sequence[str], message: bytes) -> None:
    # Standard output is the run's own result, as JSON where that is asked for.
    limit = PATIENCE_SECONDS - 1
    subprocess.run(command, input=message, stdout=subprocess.DEVNULL, timeout=limit, check=True)  # noqa: S603  (no shell)


def _post(address: str, title: str, text: str) -> None:
    from apprise import Apprise, AppriseAsset, NotifyFormat

    # Its words about what went wrong may have the address in them.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    receiver = Apprise(asset=AppriseAsset(app_id="Stille", async_mode=False))
    if not (receiver.add(address) and receiver.notify(text, title, body_format=NotifyFormat.TEXT)):
        raise ConnectionError
