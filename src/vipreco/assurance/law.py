"""The duties of the law in plain Python, one function each, beside the rules that keep them.

Nothing here reads a rule file: `vipreco policy audit` holds these statements against what the rules do. A
duty has the name of the rule that keeps it, and is breached by whatever is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

INVESTMENTS: Final = frozenset({"fund", "wealth", "private placement", "precious metal"})
"""Families that are investments whatever a bank declares."""


@dataclass(frozen=True)
class Families:
    """Product families of a bank by kind; a family that is not named is an investment."""

    other: frozenset[str] = frozenset({"account", "deposit", "payment", "payroll", "card", "loan"})
    insurance: frozenset[str] = frozenset({"insurance"})
    credit: frozenset[str] = frozenset({"loan", "card"})


@dataclass(frozen=True)
class Case:
    """One product for one customer in one channel; None = unknown."""

    channel: str
    family: str | None = None
    product_class: float | None = None
    placement: str | None = None
    minimum: float | None = None
    customer_class: float | None = None
    assessed_days: float | None = None
    assessed_months: float | None = None
    age: float | None = None
    means: float | None = None
    qualified: bool | None = None
    capacity: str | None = None
    guardian: bool | None = None
    investor: str | None = None
    procedure_days: float | None = None
    consents: bool | None = None
    objects: bool | None = None
    demands: bool | None = None
    do_not_contact: bool | None = None
    families: Families = Families()

    @property
    def investment(self) -> bool:
        """Whatever is not known to be none."""
        return self.family not in self.families.other - INVESTMENTS

    @property
    def ordinary(self) -> bool:
        """Whoever is not recorded as a professional investor."""
        return self.investor != "professional"

    @property
    def private(self) -> bool:
        """An investment that is not known to be placed publicly."""
        return self.investment and self.placement != "public"

    @property
    def high_risk(self) -> bool:
        """An investment of the two highest classes, or of an unknown one."""
        return self.investment and (self.product_class is None or self.product_class >= 4)

    @property
    def impersonal(self) -> bool:
        """A channel that reaches everybody, without a person on the other side."""
        return self.channel in {"sms", "app"}


def product_without_class(case: Case) -> bool:
    """An investment whose risk class nobody gave."""
    return case.investment and (case.product_class is None or case.product_class < 1)


def customer_without_assessment(case: Case) -> bool:
    """An investment for a customer who was not assessed, or whose assessment is dated ahead."""
    unassessed = case.customer_class is None or case.customer_class < 1
    return case.investment and (unassessed or case.assessed_days is None or case.assessed_days < 0)


def assessment_of_a_year_ago(case: Case) -> bool:
    """An investment by an assessment that is twelve months old."""
    return case.investment and (case.assessed_months is None or case.assessed_months >= 12)


def riskier_than_the_customer(case: Case) -> bool:
    """An investment of a class above the customer's."""
    if not case.investment:
        return False
    return (
        case.customer_class is None or case.product_class is None or case.product_class > case.customer_class
    )


def minimum_above_means(case: Case) -> bool:
    """An investment whose least amount the customer cannot place."""
    if not case.investment or (case.minimum is not None and case.minimum <= 0):
        return False
    return case.minimum is None or case.means is None or case.means < case.minimum


def private_for_an_unqualified(case: Case) -> bool:
    """A private placement for who is not known to be a qualified investor."""
    return case.private and case.qualified is not True


def private_in_public(case: Case) -> bool:
    """A private placement in a channel that reaches everybody."""
    return case.private and case.impersonal


def risky_at_unknown_age(case: Case) -> bool:
    """A risky investment for a customer who may be old."""
    return case.high_risk and (case.age is None or case.age < 0)


def risky_for_the_old_without_procedure(case: Case) -> bool:
    """A risky investment for a customer of 65 and more without the special procedure of the last year."""
    young = case.age is not None and case.age < 65
    done = case.procedure_days is not None and 0 <= case.procedure_days <= 365
    return case.high_risk and not young and not done


def outside_legal_capacity(case: Case) -> bool:
    """An investment for who may not decide on it alone."""
    harmless = case.product_class is not None and case.product_class <= 1
    able = case.capacity == "full" or (case.capacity == "limited" and harmless)
    return case.investment and not able


def without_guardian(case: Case) -> bool:
    """An investment for who may be of limited capacity, without the guardian's consent."""
    return case.investment and case.capacity in {None, "limited"} and case.guardian is not True


def for_ordinary_investors(duty: Callable[[Case], bool]) -> Callable[[Case], bool]:
    """Return a duty that is owed to ordinary investors alone."""
    return lambda case: case.ordinary and duty(case)


def without_consent(case: Case) -> bool:
    """An approach outside the branch without the customer's consent."""
    return case.channel in {"call", "sms", "app"} and case.consents is not True


def called_without_consent(case: Case) -> bool:
    """A call or a text message without consent."""
    return case.channel in {"call", "sms"} and case.consents is not True


def nothing_known(case: Case) -> bool:
    """An investment where customer or product was not assessed."""
    return customer_without_assessment(case) or product_without_class(case)


def insurance_without_demands(case: Case) -> bool:
    """Insurance before demands and needs are specified."""
    return case.family in case.families.insurance | {None} and case.demands is not True


def credit_without_a_person(case: Case) -> bool:
    """Credit where no person takes part."""
    return case.family in case.families.credit | {None} and case.impersonal


def against_an_objection(case: Case) -> bool:
    """An offer to who is not known to accept marketing."""
    return case.objects is not False


def called_against_the_wish(case: Case) -> bool:
    """A call or message to who may have asked for none."""
    return case.channel in {"call", "sms"} and case.do_not_contact is not False


DUTIES: Final[dict[str, Callable[[Case], bool]]] = {
    "cn-product-risk-known": product_without_class,
    "cn-risk-known": for_ordinary_investors(customer_without_assessment),
    "cn-risk-current": for_ordinary_investors(assessment_of_a_year_ago),
    "cn-risk-ladder": for_ordinary_investors(riskier_than_the_customer),
    "cn-means": minimum_above_means,
    "cn-private-qualified": private_for_an_unqualified,
    "cn-private-channel": private_in_public,
    "cn-age-known": risky_at_unknown_age,
    "cn-senior": risky_for_the_old_without_procedure,
    "cn-legal-capacity": outside_legal_capacity,
    "cn-guardian": without_guardian,
    "cn-consent": without_consent,
    "eu-suitability-known": nothing_known,
    "eu-suitability-current": assessment_of_a_year_ago,
    "eu-suitability": riskier_than_the_customer,
    "eu-insurance-demands": insurance_without_demands,
    "eu-credit-by-a-person": credit_without_a_person,
    "eu-marketing-objection": against_an_objection,
    "eu-consent": without_consent,
    "us-profile-known": nothing_known,
    "us-best-interest": riskier_than_the_customer,
    "us-accredited": private_for_an_unqualified,
    "us-no-general-solicitation": private_in_public,
    "us-consent": called_without_consent,
    "us-do-not-call": called_against_the_wish,
}
"""For each rule of the law the duty that it keeps: true where offering would breach it."""

FACTS: Final = {
    "family": "product_family",
    "product_class": "product_risk_rank",
    "placement": "product_placement",
    "minimum": "product_min_amount",
    "customer_class": "customer_risk_rank",
    "assessed_days": "customer_risk_assessed_days",
    "assessed_months": "customer_risk_assessed_months",
    "age": "customer_age_years",
    "means": "customer_free_liquidity_amount",
    "qualified": "customer_qualified_investor",
    "capacity": "customer_legal_capacity",
    "guardian": "customer_guardian_consent",
    "investor": "customer_investor_class",
    "procedure_days": "customer_special_procedure_days",
    "consents": "customer_consent_in_channel",
    "objects": "customer_marketing_objection",
    "demands": "customer_demands_recorded",
    "do_not_contact": "customer_do_not_contact_in_channel",
}
"""For each field of a case the column that tells it."""
