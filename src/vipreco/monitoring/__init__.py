"""Monitoring: counts of each snapshot, judged by the order of evidence, with a page for each finding."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
