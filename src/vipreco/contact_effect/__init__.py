"""Contact effect: what a contact about a product does to the chance of its acquisition."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
