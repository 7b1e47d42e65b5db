"""Lift: what a randomised campaign caused, with intervals; power before it, other policies after it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
