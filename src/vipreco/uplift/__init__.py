"""Uplift: the effect of a contact on the chance of an acquisition, learnt from randomised campaigns."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
