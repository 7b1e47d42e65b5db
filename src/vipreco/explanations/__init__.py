"""Why an offer, why not another product, and what would unlock it; each reason rests on cited facts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
