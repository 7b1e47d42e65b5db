"""Hides optional libraries from others that import them where they are installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder


class _NotInstalled(MetaPathFinder):
    """Makes some libraries look as if they were not installed."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def find_spec(self, fullname: str, *_: object) -> None:
        """Refuse to find a hidden library.

        Raises:
            ModuleNotFoundError: The module belongs to one.
        """
        if fullname.partition(".")[0] in self.names:
            raise ModuleNotFoundError(fullname, name=fullname)


@contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Hide libraries from all imports of a block, also those that are loaded already.

    >>> with hidden("json"):
    ...     import json
    Traceback (most recent call last):
    ...
    ModuleNotFoundError: json
    """
    finder = _NotInstalled(frozenset(names))
    loaded = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.modules.update(loaded)
