"""Tables of a bank in parts of customers, on this machine or where a cluster reads them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
