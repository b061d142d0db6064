"""``python -m pipelines.cli`` is ``stille``."""

from pipelines.cli.app import main

main()
