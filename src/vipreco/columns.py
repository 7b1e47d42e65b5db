"""The vocabulary: names of tables and columns, each written once."""

from __future__ import annotations

from typing import Final

# Tables
CUSTOMERS: Final = "customers"
PRODUCTS: Final = "products"
HOLDINGS: Final = "holdings"
ACTIVITY: Final = "activity"
CONTACTS: Final = "contacts"
OBSERVATIONS: Final = "observations"

# Keys and clocks
CUSTOMER_ID: Final = "customer_id"
PRODUCT_ID: Final = "product_id"
CONTACT_ID: Final = "contact_id"
CAMPAIGN_ID: Final = "campaign_id"
MANAGER_ID: Final = "manager_id"
BRANCH_ID: Final = "branch_id"
SNAPSHOT_DATE: Final = "snapshot_date"
RECORDED_DATE: Final = "recorded_date"
BATCH_SEQUENCE: Final = "batch_sequence"
OPENED_DATE: Final = "opened_date"
CLOSED_DATE: Final = "closed_date"
MONTH_DATE: Final = "month_date"
AS_OF_DATE: Final = "as_of_date"

# Customers
TIER: Final = "tier"
AUM_AMOUNT: Final = "aum_amount"
RISK_LEVEL: Final = "risk_level"
RISK_ASSESSED_DATE: Final = "risk_assessed_date"
BIRTH_DATE: Final = "birth_date"
JOINED_DATE: Final = "joined_date"
CONSENT_CALL: Final = "consent_call"
CONSENT_SMS: Final = "consent_sms"
CONSENT_APP: Final = "consent_app"
PROFILING_OPT_OUT: Final = "profiling_opt_out"
ATTRIBUTE_PREFIX: Final = "attribute_"

# Products
NAME: Final = "name"
FAMILY: Final = "family"
UNIT_VALUE_AMOUNT: Final = "unit_value_amount"
MIN_AMOUNT: Final = "min_amount"
OFFERED_FROM: Final = "offered_from"
OFFERED_UNTIL: Final = "offered_until"
CHANNELS: Final = "channels"
PLACEMENT: Final = "placement"
REPEATABLE: Final = "repeatable"
PREREQUISITES: Final = "prerequisites"
EXCLUSIONS: Final = "exclusions"

# Holdings, contacts
BALANCE_AMOUNT: Final = "balance_amount"
CHANNEL: Final = "channel"
CONTACTED_AT: Final = "contacted_at"
OUTCOME: Final = "outcome"
NEXT_DATE: Final = "next_date"

# Decision frame: what each stage adds
PROPENSITY: Final = "propensity"
CHANCE_WITHOUT_CONTACT: Final = "chance_without_contact"
CHANCE_WITH_CONTACT: Final = "chance_with_contact"
EFFECT_BASIS: Final = "effect_basis"
EXPECTED_GAIN: Final = "expected_gain"
THIN_EVIDENCE: Final = "thin_evidence"
STAGE: Final = "stage"
REASON_CODE: Final = "reason_code"
SUPPRESSED: Final = "suppressed"
POLICY_VERSION: Final = "policy_version"
MARGIN_AMOUNT: Final = "margin_amount"
KEPT_AMOUNT: Final = "kept_amount"
LIFT_AMOUNT: Final = "lift_amount"
VALUE_AMOUNT: Final = "value_amount"
UNKNOWN_VALUE: Final = "unknown_value"
CONTEXT: Final = "context"
LEVER: Final = "lever"
PRIORITY: Final = "priority"
RANK: Final = "rank"
