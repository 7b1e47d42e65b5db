"""A bank to practise on, with known truth: `simulate` writes its raw files, mapping and truth."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
