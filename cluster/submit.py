"""The command line as a script for `spark-submit`, which takes files alone."""

from __future__ import annotations

import sys

from vipreco.cli import main

if __name__ == "__main__":
    sys.exit(main())
