"""``python -m pipelines`` is ``stille``."""

from pipelines.cli import main

main()
