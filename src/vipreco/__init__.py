"""Next-best-product offers for a bank's VIP customers, each allowed by policy and explained."""

import os

__version__ = "0.1.0"

# Threads that wait by spinning make a fit on a busy machine several times slower. OpenMP reads this once,
# when the first package with threads of its own is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
