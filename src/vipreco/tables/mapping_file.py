"""The mapping file, which translates a bank's columns and codes into the five tables."""

from __future__ import annotations

import difflib
import fnmatch
import re
import unicodedata
import zoneinfo
from collections.abc import Iterator, Mapping as Rules
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from vipreco import columns as c
from vipreco.errors import UsageError
from vipreco.project import parse_toml
from vipreco.settings import Section
from vipreco.tables import contracts, date_reader
from vipreco.tables.contracts import Contract, Kind
from vipreco.tables.date_reader import LATEST_YEAR

QUARANTINE_SUFFIX = ".quarantine.csv"
MAX_FLAGS = 512

Format = Literal["csv", "parquet", "xlsx"]
Form = Literal["intervals", "flags", "openings"]
AttributeType = Literal["number", "category", "flag", "date"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


def _added(default: Any) -> Any:
    """Return a setting that came later: unset, it leaves the fingerprint of an entry as it was."""
    return Field(default=default, exclude_if=lambda value: value == default)


def _known_zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError(f"no time zone {name!r}{nearest(name, sorted(zoneinfo.available_timezones()))}")
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]

PROTECTED = frozenset(
    """
    sex sexo gender genero religion religious belief ethnicity ethnic ethnic_group race nationality political
    party_member union_member health disability disabled pregnancy pregnant marital_status sexual_orientation
    性别 宗教 宗教信仰 民族 种族 政治面貌 健康状况 婚姻状况 国籍
    """.split()  # noqa: SIM905
)


class Manifest(Section):
    """Statement of the sender about a file: its number of data rows and its SHA-256."""

    rows: Annotated[int, Field(ge=0)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = None


class ColumnRule(Section):
    """Origin of a column and the form of its text.

    Attributes:
        column: Name of the source's column; matched after NFKC, trimming and case folding.
        constant: The same text for every row, instead of a column.
        date_format: Form of a date or a moment (docs/mapping.md lists them), or several that are tried in
            their order; `%Y-%m` means the last day of that month.
        time_zone: Time zone of the bank; moments with an offset or as an epoch are told in its local time.
        calendar: Calendar that the years are counted in.
        latest_year: Latest year that two digits can mean.
        shift_months: Months added to a date, keeping the end of a month.
        month_end: Move a date to the last day of its month.
        codes: The source's code -> our value; a code that is not listed is quarantined. Of a list, the whole
            text is the code.
        other: What an unlisted code becomes, instead of quarantine.
        missing: Texts that mean "no value", beside the blank one.
        decimal_mark: Mark before the decimals.
        thousands_mark: Mark between thousands; none by default. A space stands for every kind of space.
        negative_marks: Marks before or behind an amount that make it negative, such as `DR`.
        positive_marks: Marks before or behind an amount that leave it positive, such as `CR`.
        currency_marks: Signs or codes of currencies before or behind an amount, which are left out.
        zero: Texts that mean zero, such as the dash of an accounting format.
        implied_decimals: Number of last digits that are decimals, in amounts without a decimal mark.
        unit: Number that amounts are told in, such as 10000.
        scientific: Take amounts such as `1.5E+05`.
        overpunch: The last digit holds the sign, as in zoned decimals of COBOL.
        text_ids: Ids are text that no spreadsheet has touched: do not look for damage.
        true: Texts that mean yes.
        false: Texts that mean no.
        separator: Mark between the parts of a list.
        strip: Remove ASCII spaces around the text; by default for all kinds but free text.
    """

    column: str | None = None
    constant: str | None = None
    date_format: str | tuple[str, ...] | None = None
    time_zone: Zone | None = _added(None)
    calendar: Literal["gregorian", "minguo", "buddhist"] = _added("gregorian")
    latest_year: Annotated[int, Field(ge=1900, le=2199)] = _added(LATEST_YEAR)
    shift_months: Annotated[int, Field(ge=-120, le=120)] = 0
    month_end: bool = False
    codes: dict[str, str] = Field(default_factory=dict)
    other: str | None = None
    missing: tuple[str, ...] = ()
    decimal_mark: Literal[".", ","] = "."
    thousands_mark: Literal["", ",", ".", " ", "'"] = ""
    negative_marks: tuple[str, ...] = _added(())
    positive_marks: tuple[str, ...] = _added(())
    currency_marks: tuple[str, ...] = _added(())
    zero: tuple[str, ...] = _added(())
    implied_decimals: Annotated[int, Field(ge=0, le=6)] = _added(0)
    unit: Annotated[int, Field(ge=1, le=10**9)] = _added(1)
    scientific: bool = _added(False)
    overpunch: bool = _added(False)
    text_ids: bool = _added(False)
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ";"
    strip: bool | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnRule:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give exactly one of `column` and `constant`")
        if self.decimal_mark == self.thousands_mark:
            raise ValueError("decimal_mark and thousands_mark must differ")
        return self

    @property
    def date_forms(self) -> tuple[str, ...]:
        """The declared forms of a date, in their order; none where nothing is declared."""
        return (self.date_format,) if isinstance(self.date_format, str) else self.date_format or ()


class AttributeRule(ColumnRule):
    """A column of the bank's own that comes along, with its type."""

    type: AttributeType


class TableRule(Section):
    """Translation of the rows of a source into rows of one table.

    Attributes:
        table: One of customers, products, holdings, activity, contacts.
        form: For holdings: intervals, month flags (one column a product), or openings.
        columns: Our column -> the source's column, or a rule.
        attributes: Own columns that come along; stored as `attribute_<name>` (activity: under the name).
            A name that begins with `policy_` is for the rules of the policy alone: no model sees it.
        products: For flags and wide openings: product id -> the source's 0/1 column.
        empty_flag: What a blank or missing flag means: "0", "1", or "reject".
        allow_protected: Protected attributes that the bank may use, each named on purpose.
    """

    table: Literal["customers", "products", "holdings", "activity", "contacts"]
    form: Form = "intervals"
    columns: dict[str, str | ColumnRule]
    attributes: dict[Name, AttributeRule] = Field(default_factory=dict)
    products: dict[str, str] = Field(default_factory=dict)
    empty_flag: Literal["0", "1", "reject"] = "0"
    allow_protected: tuple[str, ...] = ()

    @property
    def contract(self) -> Contract:
        """Contract that rows of this form fulfil before they are stored."""
        if self.table != c.HOLDINGS:
            return contracts.CONTRACTS[self.table]
        if self.form == "flags":
            return contracts.FLAGS
        if self.form == "openings":
            return contracts.OPENINGS_WIDE if self.products else contracts.OPENINGS
        return contracts.HOLDINGS

    @property
    def wide(self) -> bool:
        """True if a row has one 0/1 column a product."""
        return self.contract in (contracts.FLAGS, contracts.OPENINGS_WIDE)

    @property
    def accounts(self) -> bool:
        """True if a row is an account, and several may make up one holding."""
        return self.contract is contracts.HOLDINGS and contracts.ACCOUNT_ID in self.columns

    def rules(self) -> dict[str, ColumnRule]:
        """Return the rule of each mapped column of the contract, in the contract's order."""
        full = {name: as_rule(rule) for name, rule in self.columns.items()}
        return {name: full[name] for name in self.contract.by_name if name in full}

    def source_name(self, name: str) -> str:
        """Return the source's name of one of our columns; ours where it has none."""
        rule = self.rules().get(name)
        return rule.column if rule is not None and rule.column is not None else name

    def attribute_kinds(self) -> dict[str, Kind]:
        """Return the kind of each attribute, by name."""
        return {name: Kind(rule.type) for name, rule in sorted(self.attributes.items())}

    def source_columns(self) -> list[str]:
        """Return the names of all columns of the source that this table reads."""
        rules = [*self.rules().values(), *self.attributes.values()]
        return [rule.column for rule in rules if rule.column is not None] + list(self.products.values())


class SourceRule(Section):
    """One kind of file: how it is read and which tables its rows feed.

    Attributes:
        file: Pattern of the file's name, such as `customers_*.csv`.
        format: csv, parquet or xlsx; by default from the name's ending.
        encoding: Encoding of a CSV.
        delimiter: Mark between the fields of a CSV.
        sheet: Sheet of a workbook; needed when it has more than one.
        header_row: Row of the header; what stands above it is not read.
        short_rows: Take rows of a CSV whose last fields are missing as if they were blank.
        missing: Texts that mean "no value" in all columns of this source.
        manifest: Row count and SHA-256, here or in a TOML file beside the source (`{name}` is its name).
        table: The tables that its rows feed.
    """

    file: str
    format: Format | None = None
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    sheet: str | None = None
    header_row: Annotated[int, Field(ge=1, le=1000)] = _added(1)
    short_rows: bool = _added(False)
    missing: tuple[str, ...] = ()
    manifest: Manifest | str | None = None
    table: Annotated[tuple[TableRule, ...], Field(min_length=1)]

    def source_columns(self) -> list[str]:
        """Return the names of all columns that any table reads, each once, in order."""
        return list(dict.fromkeys(name for table in self.table for name in table.source_columns()))

    def id_columns(self) -> set[str]:
        """Return the source columns that hold ids: a number there lost its leading zeros or its end."""
        return {
            table.source_name(name)
            for table in self.table
            for name in table.rules()
            if table.contract.by_name[name].kind is Kind.ID
        }


class Mapping(Section):
    """A whole mapping file."""

    source: Annotated[tuple[SourceRule, ...], Field(min_length=1)]

    @classmethod
    def read(cls, path: Path) -> Mapping:
        """Read and check a mapping file.

        Raises:
            UsageError: Not TOML, an unknown key, column or table, or a protected attribute.
        """
        mapping = parse_toml(path, cls)
        findings = [text for table in mapping.tables() for text in _findings(table)]
        findings += _overlapping_flags(mapping)
        if findings:
            raise UsageError(
                f"{len(findings)} entry(ies) of the mapping are wrong",
                where=str(path),
                remedy="correct the mapping; nothing was done",
                code="mapping",
                examples=findings,
            )
        return mapping

    def tables(self) -> Iterator[TableRule]:
        """Yield all table entries, in the file's order."""
        for source in self.source:
            yield from source.table

    def source_for(self, path: Path) -> SourceRule:
        """Return the entry whose pattern fits the file's name.

        Raises:
            UsageError: No entry fits, or more than one.
        """
        name = path.name.removesuffix(QUARANTINE_SUFFIX)
        fitting = [source for source in self.source if fnmatch.fnmatchcase(name, source.file)]
        if len(fitting) == 1:
            return fitting[0]
        patterns = ", ".join(source.file for source in fitting or self.source)
        raise UsageError(
            "more than one entry of the mapping fits"
            if fitting
            else "no entry of the mapping fits this file",
            where=str(path),
            remedy=f"patterns: {patterns}; rename the file or add a [[source]] entry",
            code="no-source-entry",
        )


def as_rule(rule: str | ColumnRule) -> ColumnRule:
    """Return the full rule that a bare column name stands for."""
    return ColumnRule(column=rule) if isinstance(rule, str) else rule


def normalised(name: str) -> str:
    """Return a header's name as it is compared: NFKC, trimmed, case folded, without a byte order mark."""
    return unicodedata.normalize("NFKC", name).replace("\ufeff", "").strip().casefold()


def nearest(name: str, names: list[str]) -> str:
    """Return `, did you mean X?` for the known name nearest to `name`, or nothing."""
    near = difflib.get_close_matches(name, names, n=1)
    return f", did you mean {near[0]}?" if near else ""


def _findings(table: TableRule) -> list[str]:
    return [
        *_unknown_columns(table),
        *_missing_columns(table),
        *_misplaced(table),
        *_protected(table),
        *_date_forms(table),
    ]


def _date_forms(table: TableRule) -> Iterator[str]:
    """Try the declared forms on known dates, so that no row is blamed for a form that is wrong."""
    for place, rule in (*_placed("columns", table.rules()), *_placed("attributes", table.attributes)):
        for fault in date_reader.problems(rule.date_forms, rule.time_zone, rule.calendar):
            yield f"{table.table}.{place}: {fault}"


def _placed(section: str, rules: Rules[str, ColumnRule]) -> list[tuple[str, ColumnRule]]:
    return [(f"{section}.{name}", rule) for name, rule in rules.items()]


def _unknown_columns(table: TableRule) -> list[str]:
    known = list(table.contract.by_name)
    unknown = [name for name in table.columns if name not in table.contract.by_name]
    return [f"{table.table}.columns.{name}: unknown column{nearest(name, known)}" for name in unknown]


def _missing_columns(table: TableRule) -> list[str]:
    required = [column.name for column in table.contract.columns if column.required]
    return [f"{table.table}.columns: {name} is required" for name in required if name not in table.columns]


def _misplaced(table: TableRule) -> Iterator[str]:
    if table.form != "intervals" and table.table != c.HOLDINGS:
        yield f"{table.table}.form: only holdings have a form"
    if table.products and not table.wide:
        yield f"{table.table}.products: only for holdings as flags or openings"
    if table.form == "flags" and not table.products:
        yield f"{table.table}.products: the flag columns are required (product id -> column)"
    if len(table.products) > MAX_FLAGS:
        yield f"{table.table}.products: at most {MAX_FLAGS} flag columns"
    if table.accounts and c.RECORDED_DATE in table.columns:
        yield f"{table.table}.columns.account_id: not together with recorded_date"
    if table.attributes and not table.contract.attributes:
        yield f"{table.table}.attributes: only customers and activity take attributes"


def _protected(table: TableRule) -> Iterator[str]:
    for name, rule in table.attributes.items():
        hits = {word for text in (name, rule.column or "") for word in protected_words(text)}
        if hits - set(table.allow_protected):
            yield (
                f"{table.table}.attributes.{name}: protected attribute ({', '.join(sorted(hits))}); "
                "leave it out, or name it in allow_protected if the law lets you keep it"
            )


def protected_words(name: str) -> set[str]:
    """Return the protected attributes that a column's name speaks of."""
    folded = normalised(name)
    return ({folded} | set(re.split(r"[\W_]+", folded))) & PROTECTED


def _overlapping_flags(mapping: Mapping) -> list[str]:
    sets = {frozenset(table.products) for table in mapping.tables() if table.form == "flags"}
    clash = any(one & other for one in sets for other in sets if one != other)
    return ["holdings.products: two flag tables share some products but not all"] if clash else []
