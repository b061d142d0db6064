"""``python -m pipelines`` is ``stille``."""

from pipelines.cli.app import main

main()
