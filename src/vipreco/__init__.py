"""Next-best-product offers for a bank's VIP customers, each allowed by policy and explained."""

__version__ = "0.1.0"
