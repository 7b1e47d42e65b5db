"""Replay over past dates: metrics with intervals, baselines beside every number, folds, figures.

Figures are in `vipreco.backtest.plots`, imported on their own because matplotlib takes its time.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
