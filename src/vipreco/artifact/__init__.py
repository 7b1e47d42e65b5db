"""An artifact: the directory of a fitted recommender, data and never code, verified before it is parsed.

Writing: inside `saving(folder)` write the files (arrays with `write_arrays`), then `write_manifest`.
Reading: `verify(folder)` first, always; then `read_arrays` and the other readers. An artifact from
elsewhere goes through `try_in_child` before a long-lived process loads it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
