"""Process of Prefect beside a run: shows as a flow what the run says on standard input.

It ends soon after the run has ended or died, with the server that Prefect started in it,
which belongs to its process group.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
from typing import Any

_SECONDS = 30.0


def main() -> None:
    """Show one run; exits with 0 when Prefect has taken all of it, else prints why not."""
    messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(messages,), daemon=True).start()
    try:
        # Takes seconds, in which the pipe must be read all the same.
        from pipelines.flows.prefect_flows import show

        show(iter(messages.get, None))
    except Exception as error:
        print(type(error).__name__, flush=True)
        raise SystemExit(1) from None


def _read(messages: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    """Read until the run has no more to say, then leave Prefect half a minute."""
    for line in sys.stdin.buffer:
        messages.put(json.loads(line))
    messages.put(None)
    time.sleep(_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
