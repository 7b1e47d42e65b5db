"""Documents that people print: one description, and the same content as XLSX, PDF, JSON or CSV."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
