"""Lift: what a randomised campaign caused, with intervals; power before it, other policies after it."""

from vipreco.lift.power import needed, power_of

__all__ = ["needed", "power_of"]
