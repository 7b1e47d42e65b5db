"""Settings of boosters and their calibration; every value can be set in a recipe."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from vipreco.settings import Section

Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(gt=0.0, le=1.0)]


class BoosterSettings(Section):
    """Parameters of one LightGBM booster, in LightGBM's own meaning."""

    rounds: Annotated[int, Field(ge=1, le=5000)] = 200
    learning_rate: Positive = 0.05
    num_leaves: Annotated[int, Field(ge=2, le=1024)] = 15
    min_data_in_leaf: Annotated[int, Field(ge=1)] = 30
    feature_fraction: Share = 0.15
    bagging_fraction: Share = 0.8
    lambda_l2: Annotated[float, Field(ge=0.0)] = 5.0
    max_bin: Annotated[int, Field(ge=2, le=255)] = 63

    def parameters(self, seed: int, threads: int) -> dict[str, Any]:
        """Return LightGBM parameters; the same seed and threads trainer the same trees, bit for bit."""
        return {
            **self.model_dump(exclude={"rounds"}),
            "bagging_freq": 1,
            "seed": seed % 2**31,
            "num_threads": threads,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        }


class PropensitySettings(Section):
    """Settings of the acquisition model.

    Args:
        product: Booster of P(product | customer acquires something).
        bags: Product boosters that differ in their seed alone and are averaged; each costs its scoring time.
        any: Booster of P(customer acquires something within the horizon).
        calibration_dates: Newest as-of dates that earlier ones predict for the calibration, at most half of
        all:
            a single month has its season, and chance.
        calibration_folds: Customer folds for calibration where only one labelled as-of date exists.
        others_per_acquirer: Customers without an acquisition, for each one with, from whom `any` learns; a
        sample
            weighted back. What tells acquirers is in the acquirers.
        max_rate_rows: Rows without an acquisition beyond what acquirers leave of this number, and half of it
            at least, are sampled and weighted back; VIP customers five times as often.
        max_acquirer_rows: Rows with an acquisition beyond this number are sampled and weighted back; those of
            rare products are all kept.
        thin_evidence_positives: A product with fewer acquisitions is marked "thin evidence".
        intercept_deviation: Prior standard deviation, on the logit scale, of a product's own correction.
        slope_deviation: Prior standard deviation of the common slope around 1.
        look_alikes_ridge: Penalty of the look-alikes, who tell products from the customer's own columns.
        look_alikes_leave_out: Features, or patterns of features (`*`), that look-alikes do not see: what only
            counts the holdings.
    """

    product: BoosterSettings = BoosterSettings()
    bags: Annotated[int, Field(ge=1, le=20)] = 1
    any: BoosterSettings = BoosterSettings(rounds=150, num_leaves=15, feature_fraction=0.3)
    calibration_dates: Annotated[int, Field(ge=1, le=12)] = 6
    calibration_folds: Annotated[int, Field(ge=2, le=20)] = 3
    others_per_acquirer: Annotated[float, Field(ge=1.0)] = 10.0
    max_rate_rows: Annotated[int, Field(ge=1000)] = 600_000
    max_acquirer_rows: Annotated[int, Field(ge=1000)] = 2_000_000
    thin_evidence_positives: Annotated[int, Field(ge=0)] = 30
    intercept_deviation: Positive = 0.5
    slope_deviation: Positive = 0.25
    look_alikes_ridge: Positive = 0.1
    look_alikes_leave_out: tuple[str, ...] = (
        "products_*",
        "gained_*",
        "dropped_*",
        "snapshots_*",
        "seen_previous",
        "balance*",
        "families",
        "basket*",
    )


class RelationshipSettings(Section):
    """Settings of the models of attrition and tier upgrades.

    Args:
        attrition: Booster of P(attrition), of VIP customers alone: few rows, hence small trees.
        tier_upgrade: Booster of P(tier upgrade).
        leave_out: Features, or patterns of features (`*`), that these boosters do not see: with few cases,
            codes of branches and baskets teach chance.
        dates: How many of the newest as-of dates with complete labels are learnt from.
        max_rows: Rows beyond this number, of customers to whom nothing happened, are sampled and weighted:
            those below VIP first.
        min_cases: A change that happened, or did not, fewer times than this is not fitted.
        calibration_folds: Customer folds for the calibration.
        intercept_deviation: Prior standard deviation, on the logit scale, of the intercept's deviation.
        slope_deviation: Prior standard deviation of the slope around 1.
    """

    attrition: Annotated[BoosterSettings, Field(validation_alias=AliasChoices("attrition", "leaving"))] = (
        BoosterSettings(
            rounds=120,
            learning_rate=0.02,
            num_leaves=7,
            min_data_in_leaf=50,
            feature_fraction=0.8,
            bagging_fraction=0.5,
            lambda_l2=30.0,
        )
    )
    tier_upgrade: Annotated[
        BoosterSettings, Field(validation_alias=AliasChoices("tier_upgrade", "rising"))
    ] = BoosterSettings(
        rounds=400,
        learning_rate=0.02,
        num_leaves=7,
        min_data_in_leaf=100,
        feature_fraction=0.8,
        bagging_fraction=0.5,
        lambda_l2=30.0,
    )
    leave_out: tuple[str, ...] = (
        "basket*",
        "branch",
        "window_month",
        "attribute_*",
        "snapshots_*",
        "seen_previous",
        "families",
        "last_*",
        "products_ever",
        "products_left",
        "*_total",
    )
    dates: Annotated[int, Field(ge=1, le=60)] = 18
    max_rows: Annotated[int, Field(ge=1000)] = 300_000
    min_cases: Annotated[int, Field(ge=1, validation_alias=AliasChoices("min_cases", "least_cases"))] = 20
    calibration_folds: Annotated[int, Field(ge=2, le=20)] = 3
    intercept_deviation: Positive = 0.5
    slope_deviation: Positive = 0.25
