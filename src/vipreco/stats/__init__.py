"""Statistics: intervals, rates, lift, power, ranking metrics, calibration, Qini, off-policy estimates."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
