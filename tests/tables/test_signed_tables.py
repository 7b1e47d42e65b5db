"""The chain of signatures of the tables: each change adds a link, no old state takes a newer one's place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.tables.test_batches import FIRST, MAPPING, SECOND, SETTINGS
from vipreco.durable import canonical_json
from vipreco.errors import IntegrityError
from vipreco.history import History
from vipreco.key_files import make_key, read_key
from vipreco.signatures import Signatures, hash_of, public_key_of
from vipreco.tables import (
    ImportReport,
    Tables,
    check_heads,
    decide,
    erase_customers,
    import_,
    save_head,
    sign_manifest,
    undo,
    validate,
)
from vipreco.tables.batches import MANIFEST


@pytest.fixture
def own(tmp_path: Path) -> Signatures:
    key = tmp_path / "signing.key"
    make_key(key)
    return Signatures(key, [public_key_of(read_key(key))], required=True)


def delivered(folder: Path, files: dict[str, str], signatures: Signatures) -> ImportReport:
    """Import files into the tables."""
    mapping = folder / "mapping.toml"
    mapping.write_text(MAPPING)
    for name, text in files.items():
        (folder / name).write_text(text)
    paths = [folder / name for name in files]
    return import_(folder / "tables", mapping, paths, SETTINGS, signatures=signatures)


@pytest.fixture
def tables(tmp_path: Path, own: Signatures) -> Path:
    """Tables of two batches."""
    delivered(tmp_path, FIRST, own)
    delivered(tmp_path, SECOND, own)
    return tmp_path / "tables"


def forge(tables: Path) -> None:
    """Take a batch out as whoever may write to the folder can."""
    content = json.loads((tables / MANIFEST).read_bytes())
    content["batches"].pop()
    (tables / MANIFEST).write_bytes(canonical_json(content))


def code_of(tables: Path, signatures: Signatures) -> str:
    with pytest.raises(IntegrityError) as error:
        Tables.open(tables, signatures=signatures)
    return error.value.code


def links(tables: Path) -> list[str]:
    signature = json.loads((tables / MANIFEST).read_bytes())["signature"]
    return [*signature["previous"], hash_of(signature)]


def test_each_change_of_the_tables_adds_a_link(tables: Path, own: Signatures) -> None:
    assert len(links(tables)) == 2
    changes = [
        lambda: decide(tables, "fund@2025-02-28", own),
        lambda: erase_customers(tables, ["B"], own),
        lambda: undo(tables, "000002", own),
        lambda: sign_manifest(tables, own),
    ]
    for change in changes:
        before = links(tables)
        change()
        assert links(tables)[:-1] == before
        Tables.open(tables, signatures=own)


def test_the_fingerprint_does_not_depend_on_the_signature(tables: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    delivered(tmp_path / "plain", FIRST, Signatures())
    delivered(tmp_path / "plain", SECOND, Signatures())
    plain = Tables.open(tmp_path / "plain" / "tables")
    assert "signature" not in json.loads((plain.path / MANIFEST).read_bytes())
    assert plain.snapshot_ids == Tables.open(tables).snapshot_ids


def test_every_reader_and_writer_refuses_a_forged_manifest(tables: Path, own: Signatures) -> None:
    """B98: a forger who puts all hashes right is found by the signature alone."""
    forge(tables)
    Tables.open(tables)
    for use in (
        lambda: Tables.open(tables, signatures=own),
        lambda: History.open(tables, signatures=own),
        lambda: validate(tables, SETTINGS, own),
        lambda: delivered(tables.parent, {"customers3.csv": "id,date,tier\nA,2025-03-31,\n"}, own),
        lambda: undo(tables, "1", own),
        lambda: decide(tables, "fund@2025-02-28", own),
        lambda: erase_customers(tables, ["A"], own),
    ):
        with pytest.raises(IntegrityError) as error:
            use()
        assert (error.value.code, error.value.where) == ("bad-signature", str(tables / MANIFEST))


def test_unsigned_tables_another_key_and_a_revoked_one_are_refused(tables: Path, own: Signatures) -> None:
    """B98."""
    (public,) = own.trusted
    assert code_of(tables, Signatures(trusted=["00" * 32])) == "other-key"
    assert code_of(tables, Signatures(trusted=[public], revoked=[public[:16]])) == "revoked-key"
    content = json.loads((tables / MANIFEST).read_bytes())
    del content["signature"]
    (tables / MANIFEST).write_bytes(canonical_json(content))
    assert code_of(tables, own) == "unsigned"
    Tables.open(tables, signatures=Signatures(trusted=[public]))
    (tables / MANIFEST).write_bytes(canonical_json({**content, "signature": 7}))
    assert code_of(tables, own) == "manifest"


def test_tables_that_were_put_back_are_found_by_a_head_that_was_put_away(
    tables: Path, own: Signatures, tmp_path: Path
) -> None:
    heads, before = tmp_path / "heads", tmp_path / "before"
    assert save_head(tables, heads, own) == heads / "tables-00000001.json"
    shutil.copytree(tables, before)
    delivered(tmp_path, {"customers3.csv": "id,date,tier\nA,2025-03-31,\nB,2025-03-31,\n"}, own)
    check_heads(tables, heads, own)
    assert save_head(tables, heads, own) == heads / "tables-00000002.json"
    shutil.rmtree(tables)
    before.rename(tables)
    Tables.open(tables, signatures=own)  # it is signed
    with pytest.raises(IntegrityError) as error:
        check_heads(tables, heads, own)
    assert (error.value.code, error.value.where) == ("tables-head", str(heads / "tables-00000002.json"))


def test_tables_that_were_built_anew_are_found_by_a_head(
    tables: Path, own: Signatures, tmp_path: Path
) -> None:
    heads = tmp_path / "heads"
    save_head(tables, heads, own)
    shutil.rmtree(tables)
    delivered(tmp_path, FIRST, own)
    delivered(tmp_path, {"customers2.csv": "id,date,tier\nA,2025-02-28,\nB,2025-02-28,\n"}, own)
    with pytest.raises(IntegrityError, match="rewritten"):
        save_head(tables, heads, own)


def test_a_head_that_was_changed_is_named(tables: Path, own: Signatures, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    path = save_head(tables, heads, own)
    assert path is not None
    content = json.loads(path.read_bytes())
    for broken in ({**content, "at": "x"}, {**content, "key": "00" * 32}, {}, []):
        path.chmod(0o600)
        path.write_text(json.dumps(broken))
        with pytest.raises(IntegrityError) as error:
            check_heads(tables, heads, own)
        assert error.value.where == str(path)


def test_without_keys_there_is_no_head(tables: Path, tmp_path: Path) -> None:
    content = json.loads((tables / MANIFEST).read_bytes())
    del content["signature"]
    (tables / MANIFEST).write_bytes(canonical_json(content))
    assert save_head(tables, tmp_path / "heads", Signatures()) is None
