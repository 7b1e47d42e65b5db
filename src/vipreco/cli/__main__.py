"""`python -m vipreco.cli` is the same as `vipreco`."""

import sys

from vipreco.cli.entry import main

sys.exit(main())
