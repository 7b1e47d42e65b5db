"""LightGBM without scikit-learn and pandas, which no booster here uses.

LightGBM imports them where they are installed: 4.1 s at the start of every command, 0.5 s without them.
"""

from __future__ import annotations

from vipreco.hidden_modules import hidden

with hidden("sklearn", "pandas"):
    import lightgbm

__all__ = ["lightgbm"]
