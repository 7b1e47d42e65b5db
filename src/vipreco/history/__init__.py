"""The imported tables as they were known at a date: `as_of` cuts time, `acquisitions` gives labels."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
