"""Import of the store's records into the tables, through the same import as files of the bank.

Contacts become rows of the contacts table, with the ids and recorded dates of the store; notes stay out, and
an accepted offer is no holding. A consent becomes a new version of the customer's newest row, with all other
columns unchanged. A refusal recorded in the store stays in force over later snapshots, whether or not the
bank's own systems know of it, until the store records otherwise; a consent that was given counts only over
snapshots that are not newer than it. What the import refuses stays pending: in force from the store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from vipreco import columns as c
from vipreco.failpoints import reach
from vipreco.scratch_folder import scratch_folder
from vipreco.settings import Settings
from vipreco.signatures import NO_SIGNATURES, Signatures
from vipreco.store.consents import PROTECTS
from vipreco.store.contact import MAX_AGE, REFUSALS
from vipreco.store.pending_changes import PendingChange
from vipreco.store.store import Store
from vipreco.tables import (
    CONTRACTS,
    QUARANTINE_SUFFIX,
    ImportReport,
    Tables,
    import_,
    protected_words,
    relation,
    schema_of,
)

CONTACTS_FILE, CONSENTS_FILE, MAPPING_FILE = "store-contacts", "store-consents", "store-mapping.toml"
ATTRIBUTE_TYPES = {pl.Float64(): "number", pl.Boolean(): "flag", pl.Date(): "date", pl.String(): "category"}
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class _Source:
    """Rows that are imported as one file.

    The number of the newest change is part of its name, so that the same rows are a new delivery later: a
    consent that is withdrawn, given and withdrawn again on one day is withdrawn.
    """

    kind: str
    table: str
    rows: pl.DataFrame
    until: int

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"{self.kind}-{self.until}.csv"


def import_from_store(
    tables_dir: Path,
    store: Store,
    settings: Settings,
    corrected: Sequence[Path] = (),
    progress: Progress | None = None,
    signatures: Signatures = NO_SIGNATURES,
) -> ImportReport:
    """Import the records of the store since the last import; a second run changes nothing.

    Args:
        tables_dir: Folder of the tables.
        store: Operational records.
        settings: The project's settings.
        corrected: Corrected quarantine files of earlier runs.
        progress: As `import_`.
        signatures: As `import_`.

    Returns:
        Report of the import; `already_ingested` if the tables hold everything.

    Raises:
        UsageError: Nothing was imported from the bank yet.
        VipRecoError: As `import_`; then nothing is marked as imported.
    """
    store.database.check_writable()
    tables = Tables.open(tables_dir, signatures=signatures)
    until = store.changes.newest()
    after = store.changes.in_tables(tables.snapshot_ids)
    recorded = store.contacts.between(after, until, with_pending=not corrected)
    sources = [
        _Source(CONTACTS_FILE, c.CONTACTS, _importable(tables, recorded), until),
        _Source(CONSENTS_FILE, c.CUSTOMERS, _with_consents(tables, store.consents.last(until)), until),
    ]
    report = _imported(tables, sources, settings, corrected, progress, signatures)
    reach("store-imported")
    imported = Tables.open(tables_dir, signatures=signatures)
    with store.database.writing():
        store.pending.replace(
            [*_pending_contacts(imported, store, after, until), *_pending_consents(imported, store, until)]
        )
        store.changes.exported(report.snapshot_id, until)
    return report


def product_ids(tables_dir: Path) -> list[str]:
    """Return the ids of all products in the tables; none before the first import."""
    if not (tables_dir / "manifest.json").exists():
        return []
    rows = _stored(Tables.open(tables_dir), c.PRODUCTS)
    return sorted(set(rows["product_id"]))


def _importable(tables: Tables, rows: pl.DataFrame) -> pl.DataFrame:
    """Return contacts in which nothing but the refusal itself can stop a refusal."""
    refuses = pl.col(c.OUTCOME).is_in(sorted(REFUSALS))
    known = pl.col(c.PRODUCT_ID).is_in(sorted(set(_stored(tables, c.PRODUCTS)[c.PRODUCT_ID])))
    old = pl.col(c.CONTACTED_AT) < pl.col(c.RECORDED_DATE).cast(pl.Datetime("us")) - MAX_AGE
    return rows.with_columns(
        pl.when(~refuses | known).then(c.PRODUCT_ID),
        pl.when(~refuses | ~old).then(c.NEXT_DATE),
        pl.when(refuses & old)
        .then(pl.col(c.RECORDED_DATE).cast(pl.Datetime("us")))
        .otherwise(c.CONTACTED_AT)
        .alias(c.CONTACTED_AT),
    )


def _pending_contacts(tables: Tables, store: Store, after: int, until: int) -> Iterator[PendingChange]:
    """Give the contacts of an export that the tables do not hold as they are valid."""
    order = f"{c.RECORDED_DATE} DESC, {c.BATCH_SEQUENCE} DESC"
    query = (
        f"SELECT {c.CONTACT_ID}, {c.OUTCOME} FROM stored SEMI JOIN asked USING ({c.CONTACT_ID}) "
        f"QUALIFY row_number() OVER (PARTITION BY {c.CONTACT_ID} ORDER BY {order}) = 1"
    )
    rows = store.contacts.between(after, until)
    asked = rows.select(c.CONTACT_ID)
    held = set(_stored(tables, c.CONTACTS, query, {"asked": asked}).rows())
    for contact in store.contacts.numbered(asked[c.CONTACT_ID].to_list()):
        if (contact.contact_id, contact.outcome) not in held:
            yield PendingChange(contact.sequence, contact.customer_id, "contact-refused-by-import")


def _pending_consents(tables: Tables, store: Store, until: int) -> Iterator[PendingChange]:
    """Give the consents that the tables do not show."""
    said = store.consents.last(until)
    waiting = set(_with_consents(tables, said)[c.CUSTOMER_ID])
    waiting |= set(said[c.CUSTOMER_ID]) - set(_newest(tables, said[c.CUSTOMER_ID].unique())[c.CUSTOMER_ID])
    for (customer, _), sequence in store.consents.sequences(sorted(waiting), until).items():
        yield PendingChange(sequence, customer, "consent-refused-by-import")


def _imported(
    tables: Tables,
    sources: Sequence[_Source],
    settings: Settings,
    corrected: Sequence[Path],
    progress: Progress | None,
    signatures: Signatures,
) -> ImportReport:
    given = [source for source in sources if not source.rows.is_empty()]
    if not given and not corrected:
        return ImportReport("", tables.snapshot_id, (), {}, already_ingested=True)
    with scratch_folder("store") as folder:
        for source in given:
            source.rows.write_csv(folder / source.file)
        mapping = folder / MAPPING_FILE
        mapping.write_text("".join(_mapping(sources, corrected)), encoding="utf-8")
        # A file of the store is never rejected as a whole: bad rows are quarantined and reported.
        lenient = settings.import_.model_copy(update={"max_quarantined_rate": 1.0})
        return import_(
            tables.path,
            mapping,
            [*(folder / source.file for source in given), *corrected],
            settings.model_copy(update={"import_": lenient}),
            backfill=True,  # a customer who left the bank may still withdraw a consent
            same_day=True,
            progress=progress,
            signatures=signatures,
        )


def _mapping(sources: Sequence[_Source], corrected: Sequence[Path]) -> Iterator[str]:
    """Yield the entries of a mapping file that imports rows of the store unchanged."""
    names = [path.name.removesuffix(QUARANTINE_SUFFIX) for path in corrected]
    for source in sources:
        mine = [name for name in names if name.startswith(source.kind)]
        for name in sorted({source.file, *mine}):
            yield _entry(source, name)


def _entry(source: _Source, file: str) -> str:
    own = [name for name in source.rows.columns if name.startswith(c.ATTRIBUTE_PREFIX)]
    columns = "".join(f"{name} = {json.dumps(name)}\n" for name in source.rows.columns if name not in own)
    attributes = "".join(_attribute(name, source.rows.schema[name]) for name in own)
    table = f'[[source]]\nfile = {json.dumps(file)}\n[[source.table]]\ntable = "{source.table}"\n'
    allowed = f"allow_protected = {json.dumps(_words(own))}\n"
    return f"{table}{allowed}[source.table.columns]\n{columns}[source.table.attributes]\n{attributes}\n"


def _attribute(name: str, kind: pl.DataType) -> str:
    own = name.removeprefix(c.ATTRIBUTE_PREFIX)
    return f"{own} = {{ column = {json.dumps(name)}, type = {json.dumps(ATTRIBUTE_TYPES[kind])} }}\n"


def _words(names: Sequence[str]) -> list[str]:
    """Return the words of the bank's own columns, which it was allowed to import before."""
    return sorted(set().union(*(protected_words(name) for name in names)))


def _with_consents(tables: Tables, said: pl.DataFrame) -> pl.DataFrame:
    """Return new versions of the newest rows of customers whose latest consent is not in them yet."""
    rows = _newest(tables, said["customer_id"].unique())
    for kind, protected in PROTECTS.items():
        words = said.filter(pl.col("kind") == kind).select(
            "customer_id", pl.col("granted").alias("word"), pl.col("recorded_date").alias("word_date")
        )
        stands = (pl.col("word") == protected) | (pl.col("word_date") >= pl.col(c.SNAPSHOT_DATE))
        new = pl.col("word").is_not_null() & pl.col("word").ne_missing(pl.col(kind)) & stands
        rows = (
            rows.join(words, on="customer_id", how="left", maintain_order="left")
            .with_columns(
                pl.when(new).then("word").otherwise(kind).alias(kind),
                pl.when(new)
                .then(pl.max_horizontal(c.RECORDED_DATE, "word_date"))
                .otherwise(c.RECORDED_DATE)
                .alias(c.RECORDED_DATE),
                (pl.col("changed") | new).alias("changed"),
            )
            .drop("word", "word_date")
        )
    found = rows.filter("changed").drop("changed", c.BATCH_SEQUENCE)
    return found.select([name for name in found.columns if _is_filled(found, name)])


def _is_filled(rows: pl.DataFrame, name: str) -> bool:
    """Return whether the bank fills a column; an empty one is left out."""
    return rows.is_empty() or rows[name].null_count() < rows.height


def _newest(tables: Tables, customer_ids: pl.Series) -> pl.DataFrame:
    """Return the newest version of the row of each customer at their newest snapshot."""
    if customer_ids.is_empty():
        customer_ids = pl.Series("customer_id", [], pl.String)
    order = f"{c.SNAPSHOT_DATE} DESC, {c.RECORDED_DATE} DESC, {c.BATCH_SEQUENCE} DESC"
    query = (
        f"SELECT * FROM stored SEMI JOIN asked USING (customer_id) "
        f"QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY {order}) = 1 ORDER BY customer_id"
    )
    rows = _stored(tables, c.CUSTOMERS, query, {"asked": customer_ids.to_frame("customer_id")})
    return rows.with_columns(pl.lit(value=False).alias("changed"))


def _stored(
    tables: Tables,
    table: str,
    query: str = "SELECT * FROM stored",
    given: Mapping[str, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """Query the stored rows of a table, all versions."""
    with duckdb.connect() as connection:
        for name, frame in (given or {}).items():
            connection.register(name, frame.to_arrow())
        schema = schema_of(CONTRACTS[table])
        connection.execute(f"CREATE TEMP VIEW stored AS {relation(tables.files(table), schema)}")
        return pl.from_arrow(connection.sql(query).to_arrow_table())  # type: ignore[return-value]
