"""Write a file of the shape, size and quirks of the competition's `train_ver2.csv`, with invented content.

    python experiments/santander/generate_archive.py /data/train_generated.csv --rows 13647309

Nothing in it comes from the real file but column names, codes and rough frequencies. Holdings are
correlated through the segment and a hidden activity of each customer, products come and go, customers
join over the 17 months, June is the tax month. The same seed writes the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

MONTHS = [f"{2015 + number // 12}-{number % 12 + 1:02d}-28" for number in range(17)]
FULL_ROWS = 13_647_309
PRODUCTS = """
    ahor_fin aval_fin cco_fin cder_fin cno_fin ctju_fin ctma_fin ctop_fin ctpp_fin deco_fin deme_fin dela_fin
    ecue_fin fond_fin hip_fin plan_fin pres_fin reca_fin tjcr_fin valo_fin viv_fin nomina nom_pens recibo
""".split()  # noqa: SIM905
# Share of holders, monthly chance to acquire (per 10,000 customers), monthly chance to drop
HELD = np.array(
    [
        1,
        1,
        6550,
        4,
        810,
        95,
        97,
        1290,
        430,
        18,
        17,
        430,
        830,
        185,
        59,
        92,
        26,
        525,
        444,
        256,
        38,
        547,
        594,
        1280,
    ]
)
GAINED = np.array(
    [0.01, 0.01, 90, 0.2, 24, 0.3, 4, 4, 2, 3, 0.3, 8, 19, 6, 0.1, 0.4, 0.2, 7, 47, 3, 0.1, 52, 54, 93]
)
LOST = np.array(
    [
        20,
        20,
        60,
        60,
        150,
        90,
        150,
        60,
        60,
        900,
        200,
        150,
        250,
        200,
        30,
        30,
        90,
        400,
        900,
        90,
        40,
        900,
        800,
        700,
    ]
)
SEGMENTS = ("01 - TOP", "02 - PARTICULARES", "03 - UNIVERSITARIO", "")
SEGMENT_SHARE = (0.04, 0.586, 0.36, 0.014)
SEGMENT_LIFT = np.array([2.6, 1.2, 0.45, 0.7])
CHANNELS = ("KHE", "KAT", "KFC", "KHQ", "KFA", "KHK", "KHM", "KHD", "RED", "")
COUNTRIES = ("ES", "FR", "DE", "US", "GB", "AR", "VE", "CN")
PROVINCES = {
    28: "MADRID", 8: "BARCELONA", 46: "VALENCIA", 41: "SEVILLA", 15: "CORUÑA, A", 30: "MURCIA", 29: "MALAGA",
    50: "ZARAGOZA", 3: "ALICANTE", 11: "CADIZ", 36: "PONTEVEDRA", 33: "ASTURIAS", 35: "PALMAS, LAS",
    47: "VALLADOLID", 26: "RIOJA, LA", 7: "BALEARS, ILLES", 48: "BIZKAIA", 45: "TOLEDO",
}  # fmt: skip
HEADER = """
    fecha_dato ncodpers ind_empleado pais_residencia sexo age fecha_alta ind_nuevo antiguedad indrel
    ult_fec_cli_1t indrel_1mes tiprel_1mes indresi indext conyuemp canal_entrada indfall tipodom cod_prov
    nomprov ind_actividad_cliente renta segmento
""".split()  # noqa: SIM905

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Customers:
    """Facts that do not change: one entry a customer."""

    ids: Ints
    joined: Ints
    left: Ints
    segment: Ints
    age: Ints
    tenure: Ints
    province: Ints
    channel: Ints
    country: Ints
    income: npt.NDArray[np.float64]
    profile_known: Flags
    energy: npt.NDArray[np.float64]
    texts: pl.DataFrame


def draw_customers(rows: int, rng: np.random.Generator) -> Customers:
    """Draw customers until their months add up to `rows`."""
    size = int(rows / 13.2) + 50
    joined = np.where(rng.random(size) < 0.665, 0, rng.integers(1, len(MONTHS), size))
    left = np.where(rng.random(size) < 0.05, joined + rng.integers(1, len(MONTHS), size), len(MONTHS))
    months = np.minimum(left, len(MONTHS)) - joined
    size = int(np.searchsorted(np.cumsum(months), rows, side="right"))
    segment = rng.choice(len(SEGMENTS), size, p=SEGMENT_SHARE)
    tenure = np.where(joined[:size] > 0, 0, rng.gamma(1.4, 60, size).astype(np.int64).clip(1, 250))
    customers = Customers(
        ids=np.sort(rng.choice(1_500_000 if size < 1_400_000 else size * 2, size, replace=False) + 15_889),
        joined=joined[:size],
        left=left[:size],
        segment=segment,
        age=np.where(
            segment == 2, rng.integers(18, 30, size), rng.normal(48, 15, size).astype(np.int64).clip(2, 116)
        ),
        tenure=tenure,
        province=rng.choice(len(PROVINCES), size, p=_zipf(len(PROVINCES))),
        channel=rng.choice(len(CHANNELS), size, p=_zipf(len(CHANNELS))),
        country=np.where(rng.random(size) < 0.995, 0, rng.integers(1, len(COUNTRIES), size)),
        income=np.round(rng.lognormal(11.5, 0.6, size), 2),
        profile_known=rng.random(size) > 0.002,
        energy=rng.gamma(1.2, 0.8, size),
        texts=pl.DataFrame(),
    )
    return _with_texts(customers, rng)


def _zipf(size: int) -> npt.NDArray[np.float64]:
    weights = 1 / np.arange(1, size + 1)
    return weights / weights.sum()


def _with_texts(who: Customers, rng: np.random.Generator) -> Customers:
    """Write the unchanging columns as text once, with the archive's blanks, pads and NA."""
    known = pl.Series(who.profile_known)
    size = who.ids.size
    start = np.datetime64("2015-01") + who.joined - who.tenure
    day = rng.integers(0, 28, size)
    joined = pl.Series(start.astype("datetime64[D]") + day).cast(pl.String)
    renta = pl.Series(who.income).cast(pl.String)
    renta = renta.zip_with(pl.Series(rng.random(size) > 0.2), _repeat("         NA", size))
    texts = {
        "ncodpers": pl.Series(who.ids).cast(pl.String),
        "ind_empleado": _pick(
            ("N", "B", "F", "A", "S"), rng.choice(5, size, p=(0.9994, 0.0002, 0.0002, 0.0001, 0.0001))
        ),
        "pais_residencia": _pick(COUNTRIES, who.country),
        "sexo": _pick(("V", "H"), rng.integers(0, 2, size)),
        "fecha_alta": joined,
        "indresi": _pick(("S", "N"), (who.country > 0).astype(int)),
        "indext": _pick(("N", "S"), (rng.random(size) < 0.05).astype(int)),
        "conyuemp": _pick(("", "N", "S"), rng.choice(3, size, p=(0.9998, 0.00015, 0.00005))),
        "canal_entrada": _pick(CHANNELS, who.channel),
        "indfall": _pick(("N", "S"), (rng.random(size) < 0.0025).astype(int)),
        "tipodom": _repeat(" 1", size),
        "cod_prov": _pick([str(code) for code in PROVINCES], who.province),
        "nomprov": _pick(list(PROVINCES.values()), who.province),
        "renta": renta,
        "segmento": _pick(SEGMENTS, who.segment),
    }
    blank = {
        name: texts[name].zip_with(known, _repeat("", size)) for name in set(texts) - {"ncodpers", "renta"}
    }
    return Customers(**{**who.__dict__, "texts": pl.DataFrame({**texts, **blank})})


def _pick(values: tuple[str, ...] | list[str], at: Ints) -> pl.Series:
    return pl.Series(list(values), dtype=pl.String).gather(pl.Series(at))


def _repeat(value: str, size: int) -> pl.Series:
    return pl.repeat(value, size, eager=True)


def months(who: Customers, rng: np.random.Generator) -> Iterator[pl.DataFrame]:
    """Yield the rows of each month: who is there, the profile then, the products held."""
    held = np.zeros((who.ids.size, len(PRODUCTS)), bool)
    pull = (SEGMENT_LIFT[who.segment] * who.energy)[:, None].astype(np.float32)
    for number in range(len(MONTHS)):
        held = _next_holdings(held, pull, who.joined == number, number, rng)
        present = np.flatnonzero((who.joined <= number) & (number < who.left))
        yield _month_frame(who, present, number, held[present], rng)


def _next_holdings(
    held: Flags, pull: npt.NDArray[np.float32], new: Flags, number: int, rng: np.random.Generator
) -> Flags:
    chance = rng.random(held.shape, dtype=np.float32)
    season = np.ones(len(PRODUCTS))
    season[PRODUCTS.index("reca_fin")] = 5 if number % 12 == 5 else 1
    gained = chance < np.minimum(pull * (GAINED * season / 1e4).astype(np.float32), 0.5)
    dropped = rng.random(held.shape, dtype=np.float32) < (LOST / 1e4).astype(np.float32)
    following = np.where(held, ~dropped, gained)
    following[new] = chance[new] < np.minimum(pull[new] * (HELD / 1e4).astype(np.float32), 0.97)
    return following


def _month_frame(
    who: Customers, present: Ints, number: int, held: Flags, rng: np.random.Generator
) -> pl.DataFrame:
    size = present.size
    known = pl.Series(who.profile_known[present])
    tenure = who.tenure[present] + number - who.joined[present]
    active = rng.random(size) < np.clip(0.25 + 0.3 * who.energy[present], 0, 0.95)
    columns = who.texts[pl.Series(present).cast(pl.UInt32)].to_dict()
    columns |= {
        "fecha_dato": _repeat(MONTHS[number], size),
        "age": _padded(who.age[present] + number // 12, 3, known),
        "ind_nuevo": _padded((tenure < 6).astype(int), 2, known),
        "antiguedad": _padded(tenure, 7, known),
        "indrel": _padded(np.where(rng.random(size) < 0.998, 1, 99), 2, known),
        "ult_fec_cli_1t": _repeat("", size),
        "indrel_1mes": _repeat("1.0" if number < 6 else "1", size).zip_with(known, _repeat("", size)),
        "tiprel_1mes": _pick(("I", "A"), active.astype(int)).zip_with(known, _repeat("", size)),
        "ind_actividad_cliente": _padded(active.astype(int), 2, known),
    }
    for position, product in enumerate(PRODUCTS):
        flag = pl.Series(held[:, position]).cast(pl.Int8).cast(pl.String)
        columns[f"ind_{product}_ult1"] = (
            flag.zip_with(known, _repeat("NA", size)) if "nom" in product else flag
        )
    return pl.DataFrame(columns).select([*HEADER, *(f"ind_{product}_ult1" for product in PRODUCTS)])


def _padded(values: Ints, width: int, known: pl.Series) -> pl.Series:
    texts = pl.Series(values).cast(pl.String).str.pad_start(width)
    return texts.zip_with(known, _repeat("NA".rjust(width), known.len()))


def write_archive(path: Path, rows: int, seed: int) -> int:
    """Write about `rows` rows (whole customers, never more); return how many."""
    rng = np.random.default_rng(seed)
    who = draw_customers(rows, rng)
    written = 0
    with path.open("wb") as handle:
        names = [*HEADER, *(f"ind_{product}_ult1" for product in PRODUCTS)]
        handle.write((",".join(f'"{name}"' for name in names) + "\n").encode())
        for frame in months(who, rng):
            frame.with_columns(pl.all().replace("", None)).write_csv(handle, include_header=False)
            written += frame.height
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rows", type=int, default=FULL_ROWS)
    parser.add_argument("--seed", type=int, default=20260101)
    arguments = parser.parse_args()
    written = write_archive(arguments.path, arguments.rows, arguments.seed)
    print(f"{written:,} rows, {arguments.path.stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
