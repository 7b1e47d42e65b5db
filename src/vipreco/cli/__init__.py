"""The command line `vipreco`: each command calls one public function, prints, and exits.

Nothing heavy is imported here: a command imports what it needs when it runs, so that `--help` is instant.
"""

from vipreco.cli.entry import main

__all__ = ["main"]
