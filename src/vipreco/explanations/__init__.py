"""Reasons for offers and for products that are not offered; each rests on cited facts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
