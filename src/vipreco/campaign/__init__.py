"""Campaign batches: audience, allocation within limits, control group, lists, and the lift afterwards."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
