"""The command ``stille``, also as ``python -m stille``."""

from pipelines.cli.app import main

if __name__ == "__main__":
    main()
