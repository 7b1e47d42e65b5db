"""P(acquire within the horizon): LightGBM boosters, calibrated, with contributions."""

from vipreco.propensity.acquisition import AcquisitionModel, Growth, ProductModel
from vipreco.propensity.booster import Booster, Examples, Machine
from vipreco.propensity.calibration import Calibration
from vipreco.propensity.line_start import LineStart
from vipreco.propensity.relationship import LEAVING, RISING, ChangeModel, ChangeRows, RelationshipModel
from vipreco.propensity.rows import LabelledRows, stack
from vipreco.propensity.settings import BoosterSettings, PropensitySettings, RelationshipSettings

__all__ = [
    "LEAVING",
    "RISING",
    "AcquisitionModel",
    "Booster",
    "BoosterSettings",
    "Calibration",
    "ChangeModel",
    "ChangeRows",
    "Examples",
    "Growth",
    "LabelledRows",
    "LineStart",
    "Machine",
    "ProductModel",
    "PropensitySettings",
    "RelationshipModel",
    "RelationshipSettings",
    "stack",
]
