"""Analysis of decisions: the funnel of the rules, products against each other, acceptance, reasons."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
