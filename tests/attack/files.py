"""Attacks with files: forged tables, models that hold code, spreadsheets and notes that carry something."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import polars as pl

from tests.attack.attacks import Tries, attack
from tests.attack.target import Target
from vipreco.cli.table_output import table_text
from vipreco.durable import canonical_json
from vipreco.errors import IntegrityError, VipRecoError
from vipreco.export import write_table
from vipreco.key_files import make_key, read_key
from vipreco.online import Releases, read_manifest
from vipreco.settings import Settings
from vipreco.settings.project import ProjectSettings
from vipreco.signatures import Signatures, public_key_of
from vipreco.store import masked
from vipreco.tables import import_

FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(1)",
    "=cmd|' /C calc'!A0",
    "\u202e=1+1",
)
STARTS = frozenset("=+-@\t\r\n＝＋－＠")
NOTES = (
    "13800138000",
    "138 0013 8000",
    "138-0013-8000",
    "138.0013.8000",
    "１３８００１３８０００",
    "一三八零零一三八零零零",
    "壹叁捌零零壹叁捌零零零",
    "幺三八〇〇幺三八〇〇〇",
    "138零零13捌〇〇〇",
    "110101199003071234",
    "11010119900307123X",
    "6222 0212 3456 7890 123",
    "138—0013—8000",
    "138、0013、8000",
    "138·0013·8000",
    "zhang.wei@bank.example",
    "zhang.wei ＠ bank.example",
    "zhang@bank。example",
    "zhang(at)bank.example",
    "zhang [at] bank.example",
)
MAPPING = "".join(
    f"""
[[source]]
file = "*.{ending}"
[[source.table]]
table = "customers"
columns = {{ customer_id = "id", snapshot_date = "day" }}
"""
    for ending in ("csv", "xlsx", "parquet")
)


@attack("formulas and signs in lists", short=True)
def lists(target: Target, tries: Tries) -> None:
    """Write lists whose texts a spreadsheet would run, or that turn what a reader sees."""
    del target
    rows = pl.DataFrame({"name": FORMULAS})
    stream = io.BytesIO()
    write_table(rows, stream, "csv")
    back = pl.read_csv(io.BytesIO(stream.getvalue()), infer_schema=False)["name"].to_list()
    for given, cell in zip(FORMULAS, back, strict=True):
        tries.expect(cell[0] not in STARTS, f"CSV: {given!r} stays {cell!r}")
        tries.expect("\u202e" not in cell, f"CSV: U+202E stays in {cell!r}")
    stream = io.BytesIO()
    write_table(rows, stream, "xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(stream.getvalue())).active
    assert sheet is not None
    for row in sheet.iter_rows(min_row=2):
        tries.expect(row[0].data_type != "f", f"XLSX: {row[0].value!r} is a formula")
    shown = table_text(pl.DataFrame({"name": ["\u202eevil", "\x1b[2Jgone", "a\rb", "\u2066x"]}))
    for sign in "\u202e\x1b\r\u2066":
        tries.expect(sign not in shown, f"the terminal gets {sign!r}")


@attack("personal data in notes", short=True)
def notes(target: Target, tries: Tries) -> None:
    """Write phone numbers, identity numbers and addresses in every spelling into a note."""
    del target
    for note in NOTES:
        kept = masked(f"call back {note} tomorrow")
        tries.expect(note not in kept and "[" in kept, f"{note!r} stays: {kept!r}")
    for harmless in ("3,500,000.00", "3 calls, 2 offers", "12 months at 2.5 %", "三十万", "at 10:30"):
        tries.expect(masked(harmless) == harmless, f"{harmless!r} was masked")


@attack("hostile files")
def imports(target: Target, tries: Tries) -> None:
    """Import files that are bombs, damaged, or of another kind; each is refused with a reason."""
    folder = target.folder / "hostile"
    folder.mkdir()
    mapping = folder / "mapping.toml"
    mapping.write_text(MAPPING)
    for name, content in _hostile().items():
        path = folder / name
        path.write_bytes(content)
        try:
            import_(folder / "tables", mapping, [path], Settings(project=ProjectSettings(name="attacked")))
            code = 0
        except VipRecoError as error:
            code = error.exit_code
        except Exception as error:
            code = 1
            tries.findings.append(f"{name}: {type(error).__name__}")
        tries.expect(code in {2, 3}, f"{name}: {code}")
    tries.expect(not (folder / "tables" / "manifest.json").exists(), "something of it was stored")


def _hostile() -> dict[str, bytes]:
    row = b"id,day\n1,2026-01-31\n"
    return {
        "empty.csv": b"",
        "pickle.csv": b"cos\nsystem\n(S'id'\ntR.",
        "utf16.csv": row.decode().encode("utf-16"),
        "quote.csv": b'id,day\n"1,2026-01-31\n2,2026-01-31\n',
        "twice.csv": b"id,id,day\n1,2,2026-01-31\n",
        "wide.csv": b",".join(b"c%d" % n for n in range(5_000)) + b"\n" + b"," * 4_999 + b"\n",
        "field.csv": b"id,day\n" + b"x" * 10_000_000 + b",2026-01-31\n",
        "null.csv": b"id,day\n1\x00,2026-01-31\n",
        "zip.csv": b"PK\x03\x04" + b"\0" * 100,
        "bomb.xlsx": _bomb(),
        "text.xlsx": b"not a workbook",
        "entity.xlsx": _zip("xl/workbook.xml", b'<!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>'),
        "above.xlsx": _zip("../../above", b"x"),
        "cut.parquet": b"PAR1" + b"\0" * 50 + b"PAR1",
        "text.parquet": b"no parquet",
        "flipped.parquet": _flipped(),
    }


def _zip(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def _bomb() -> bytes:
    return _zip("xl/worksheets/sheet1.xml", b"\0" * 600_000_000)


def _flipped() -> bytes:
    stream = io.BytesIO()
    pl.DataFrame({"id": ["1"], "day": ["2026-01-31"]}).write_parquet(stream)
    content = bytearray(stream.getvalue())
    for place in range(8, len(content) - 8, 7):
        content[place] ^= 0xFF
    return bytes(content)


@attack("forged releases and models", short=True)
def bundles(target: Target, tries: Tries) -> None:
    """Change a release in every way, with its hashes put right again: only the signature tells."""
    key = target.folder / "attack.key"
    make_key(key)
    signatures = Signatures(key, [public_key_of(read_key(key))], required=True)
    other_key = target.folder / "other.key"
    make_key(other_key)
    other = Signatures(other_key)
    current = Releases(target.folder / "data" / "serving").current()
    forgeries: dict[str, Callable[[Path], object]] = {
        "unsigned": lambda folder: (folder / "signature.json").unlink(),
        "another key": lambda folder: Releases(folder.parents[1], other).sign(folder),
        "changed": _flip,
        "a file more": lambda folder: (folder / "more.npy").write_bytes(b"x"),
        "a file less": lambda folder: _array(folder).unlink(),
        "a link": _link,
        "code": lambda folder: (folder / "artifact" / "run.py").write_text("import os"),
        "pickled": lambda folder: np.save(_array(folder), np.array([{}], object), allow_pickle=True),
        "all hashes right": _forge,
        "a signature of nothing": lambda folder: (folder / "signature.json").write_text("{}"),
        "no signature file": lambda folder: (folder / "signature.json").write_text("x"),
    }
    for name, forge in forgeries.items():
        place = target.folder / "forged" / "prepared" / current.name
        shutil.copytree(current, place)
        Releases(place.parents[1], signatures).sign(place)
        read_manifest(place, signatures)
        forge(place)
        place = next(place.parent.iterdir())
        try:
            read_manifest(place, signatures)
            refused = False
        except IntegrityError:
            refused = True
        tries.expect(refused, f"a release is taken: {name}")
        shutil.rmtree(place.parents[1])


def _array(folder: Path) -> Path:
    """Return an array of a release."""
    return min(folder.glob("*.npy"))


def _flip(folder: Path) -> None:
    path = _array(folder)
    before, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _link(folder: Path) -> None:
    path = _array(folder)
    path.unlink()
    path.symlink_to("/etc/passwd")


def _forge(folder: Path) -> None:
    """Change a file and put hash, manifest and name right: what whoever may write here can do."""
    from vipreco.durable import sha256_of
    from vipreco.online.release import _name_of

    _flip(folder)
    content = json.loads((folder / "manifest.json").read_bytes())
    path = _array(folder)
    content["files"][path.name] = sha256_of(path)
    (folder / "manifest.json").write_bytes(canonical_json(content))
    folder.rename(folder.with_name(_name_of(content)))


@attack("files that others can read", short=True)
def permissions(target: Target, tries: Tries) -> None:
    """Look for files below `data` that another account of the machine can read."""
    for path in (target.folder / "data").rglob("*"):
        if path.is_file():
            mode = stat.S_IMODE(path.stat().st_mode)
            tries.expect(not mode & 0o077, f"{path.relative_to(target.folder)} has mode {mode:o}")
