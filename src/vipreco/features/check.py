"""Checks of the feature definitions before any work: files, columns, types, sources, prohibited names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

import pyarrow as pa

from vipreco.errors import UsageError
from vipreco.features.dictionary import PLACEHOLDER, Dictionary, FeatureFile, Prohibited
from vipreco.features.plan import Planned, plan
from vipreco.features.tier_lines import TIER_LINES, TIERS_FILE, tier_lines
from vipreco.history import VIEWS, History, View, check_query
from vipreco.settings import TierLadder

_KEYS = {"shared": (), "customer": ("customer_id",), "product": ("customer_id", "product_id")}
_PROBE_DATE = date(2020, 1, 31)


def check_definition(dictionary: Dictionary, prohibited: Prohibited, definition: Mapping[str, bytes]) -> None:
    """Check that dictionary and SQL files agree, on an empty bank.

    Raises:
        UsageError: What disagrees, with the file.
    """
    _check_files(dictionary, definition)
    _check_names(dictionary, prohibited)
    view = probe()
    view.derive(TIER_LINES, tier_lines(TierLadder(), view.date), TIERS_FILE)
    shared: frozenset[str] = frozenset({TIER_LINES})
    names: list[str] = []
    for file in dictionary.file:
        sql = definition[file.sql_name].decode("utf-8")
        planned = plan(file, sql, view.present_tables | shared, view.columns)
        if planned is None:
            raise _wrong(file, "no column of a bank could ever match `each`")
        _check_sources(planned, VIEWS | shared)
        _check_columns(planned, view)
        shared |= {file.name} if file.grain == "shared" else set()
        names += [feature.name for feature in planned.features]
    _raise([f"{name}: two entries" for name in _repeated(names)], "the dictionary is wrong")


def probe() -> View:
    """Return a view of a bank with one customer, every table, and a column of each kind."""
    day = pa.array([_PROBE_DATE], pa.date32())
    one = pa.array(["1"])
    attributes = {
        "attribute_number": pa.array([1.0]),
        "attribute_flag": pa.array([True]),
        "attribute_category": pa.array(["a"]),
        "attribute_date": day,
    }
    frames = {
        "customers": pa.table({"customer_id": one, "snapshot_date": day, **attributes}),
        "activity": pa.table(
            {"customer_id": one, "month_date": day, "flow": pa.array([1.0]), "flow_amount": pa.array([1.0])}
        ),
        "holdings": pa.table({"customer_id": one, "product_id": one, "opened_date": day}),
        "products": pa.table({"product_id": one}),
        "contacts": pa.table({"contact_id": one, "customer_id": one, "contacted_at": day}),
    }
    return History.from_frames(frames).as_of(_PROBE_DATE)


def _check_files(dictionary: Dictionary, definition: Mapping[str, bytes]) -> None:
    listed = [file.sql_name for file in dictionary.file]
    present = {name for name in definition if name.endswith(".sql")}
    findings = [f"{name}: no such file" for name in listed if name not in present]
    findings += [f"{name}: no [[file]] entry" for name in sorted(present.difference(listed))]
    findings += [f"{name}: two entries" for name in _repeated(listed)]
    _raise(findings, "the SQL files and the dictionary disagree")


def _check_names(dictionary: Dictionary, prohibited: Prohibited) -> None:
    names = [feature.name for file in dictionary.file for feature in file.features]
    findings = [
        f"{file.sql_name}: {feature.name} needs `each`"
        for file in dictionary.file
        for feature in file.features
        if (PLACEHOLDER in feature.name) != (file.each is not None)
    ]
    findings += [
        f"{file.sql_name}: {feature.name} is a category, which only the customer grain knows"
        for file in dictionary.file
        for feature in file.features
        if feature.type == "category" and file.grain == "product"
    ]
    reasons = {name: prohibited.reason(name) for name in names}
    findings += [f"{name}: prohibited ({reason})" for name, reason in reasons.items() if reason]
    _raise(findings, "the dictionary is wrong")


def _check_sources(planned: Planned, allowed: frozenset[str]) -> None:
    file = planned.file
    read = check_query(planned.sql, allowed, file.sql_name)
    if read != set(file.tables):
        raise _wrong(file, f"reads {', '.join(sorted(read))}; `tables` says {', '.join(sorted(file.tables))}")


def _check_columns(planned: Planned, view: View) -> None:
    file = planned.file
    if file.grain == "shared":
        view.derive(file.name, planned.sql, file.sql_name)
        return
    schema = view.query(f"SELECT * FROM ({planned.sql}\n) LIMIT 0", where=file.sql_name).schema
    described = {*_KEYS[file.grain], *(feature.name for feature in planned.features)}
    findings = [
        f"{name}: in the SQL, not in the dictionary" for name in schema.names if name not in described
    ]
    findings += [
        f"{name}: in the dictionary, not in the SQL" for name in sorted(described.difference(schema.names))
    ]
    findings += [f"{name}: twice in the SQL" for name in _repeated(schema.names)]
    _raise(findings, "the columns and the dictionary disagree", file.sql_name)
    _raise(
        _type_findings(planned, schema), "a column has another type than the dictionary says", file.sql_name
    )


def _type_findings(planned: Planned, schema: pa.Schema) -> list[str]:
    return [
        f"{feature.name}: {feature.type} in the dictionary, {schema.field(feature.name).type} in the SQL"
        for feature in planned.features
        if not _fits(feature.type, schema.field(feature.name).type)
    ]


def _fits(kind: str, found: pa.DataType) -> bool:
    if kind == "category":
        return bool(pa.types.is_string(found))
    if kind in {"count", "flag"}:
        return bool(pa.types.is_integer(found) or pa.types.is_boolean(found) or pa.types.is_decimal(found))
    return bool(pa.types.is_floating(found) or pa.types.is_integer(found) or pa.types.is_decimal(found))


def _repeated(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _raise(findings: list[str], what: str, where: str = "dictionary.toml") -> None:
    if findings:
        raise UsageError(what, where=where, remedy="correct these", code="dictionary", examples=findings)


def _wrong(file: FeatureFile, what: str) -> UsageError:
    return UsageError(
        what, where=file.sql_name, remedy="correct the dictionary or the SQL", code="dictionary"
    )
