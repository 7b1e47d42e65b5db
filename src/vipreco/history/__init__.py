"""The one time door over the imported tables: `as_of` cuts time, `acquisitions` gives labels."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
