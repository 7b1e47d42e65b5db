"""Features: SQL definitions with a dictionary, computed over an as-of view of the history."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
