"""Lift: what a randomised campaign caused, with intervals; power before it, other policies after it."""

from vipreco.lift.estimate import Estimate
from vipreco.lift.power import needed, power_of
from vipreco.lift.qini import auuc, qini_coefficient, qini_curve

__all__ = ["Estimate", "auuc", "needed", "power_of", "qini_coefficient", "qini_curve"]
