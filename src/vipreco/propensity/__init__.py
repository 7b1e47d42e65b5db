"""P(acquire within the horizon): LightGBM boosters, calibrated, with contributions."""

from vipreco.propensity.acquisition import AcquisitionModel, Growth, ProductModel
from vipreco.propensity.booster import Booster, Examples, Machine
from vipreco.propensity.calibration import Calibration
from vipreco.propensity.rows import LabelledRows, stack
from vipreco.propensity.settings import BoosterSettings, PropensitySettings

__all__ = [
    "AcquisitionModel",
    "Booster",
    "BoosterSettings",
    "Calibration",
    "Examples",
    "Growth",
    "LabelledRows",
    "Machine",
    "ProductModel",
    "PropensitySettings",
    "stack",
]
