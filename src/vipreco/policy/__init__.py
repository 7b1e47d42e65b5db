"""Which product may be offered to whom: a verdict for each pair, with the rule that stopped it.

Rules are reviewed data: TOML files with SQL conditions over named columns, evaluated by one engine for a
million customers and for one. Unknown never passes.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
