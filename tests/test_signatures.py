"""Signatures: which key signed, what it signed, and every way in which that can be wrong (B98)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from vipreco.errors import IntegrityError, UsageError
from vipreco.key_files import make_key, read_key
from vipreco.settings import SignatureSettings
from vipreco.signatures import (
    ARTIFACT,
    NO_SIGNATURES,
    RELEASE,
    SIGNATURE_FILE,
    Signatures,
    hash_of,
    is_signed,
    public_key_of,
    signed,
)

HASH, OTHER_HASH = "ab" * 32, "cd" * 32
# RFC 8032, section 7.1, test 2.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "signing.key"
    assert make_key(path)
    return path


@pytest.fixture
def own(key: Path) -> Signatures:
    """A machine that signs, and trusts its own key alone."""
    return Signatures(key, [public_key_of(read_key(key))])


def code_of(signatures: Signatures, folder: Path, kind: str = ARTIFACT, digest: str = HASH) -> str:
    with pytest.raises(IntegrityError) as error:
        signatures.check_folder(kind, digest, folder)
    assert error.value.exit_code == 6
    assert str(folder) in error.value.where
    return error.value.code


def test_the_public_key_is_that_of_the_standard() -> None:
    assert public_key_of(SEED) == PUBLIC
    assert is_signed(signed({"a": 1}, SEED), [PUBLIC])


def test_a_key_file_is_made_once_and_is_its_owners_alone(key: Path) -> None:
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    assert not make_key(key)
    assert key.read_bytes() == before
    key.chmod(0o640)
    with pytest.raises(UsageError, match="can be read by others"):
        read_key(key)


def test_what_was_signed_is_accepted_and_names_its_key(own: Signatures, tmp_path: Path) -> None:
    own.sign_folder(ARTIFACT, HASH, tmp_path)
    assert own.check_folder(ARTIFACT, HASH, tmp_path) == next(iter(own.trusted))


def test_another_hash_or_another_kind_is_refused(own: Signatures, tmp_path: Path) -> None:
    """A signature of a release is none of a model with the same hash."""
    own.sign_folder(ARTIFACT, HASH, tmp_path)
    assert code_of(own, tmp_path, digest=OTHER_HASH) == "bad-signature"
    assert code_of(own, tmp_path, kind=RELEASE) == "bad-signature"


@pytest.mark.parametrize("name", ["kind", "hash", "at", "previous", "signature"])
def test_each_word_of_a_signature_counts(own: Signatures, tmp_path: Path, name: str) -> None:
    own.sign_folder(ARTIFACT, HASH, tmp_path)
    path = tmp_path / SIGNATURE_FILE
    content = json.loads(path.read_bytes())
    content[name] = ["x"] if name == "previous" else "00" * 64 if name == "signature" else "x"
    path.write_text(json.dumps(content))
    assert code_of(own, tmp_path) == "bad-signature"
    del content[name]
    path.write_text(json.dumps(content))
    assert code_of(own, tmp_path) == "bad-signature"


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"key": 7}', '{"key": null, "signature": 1}'])
def test_what_is_no_signature_is_refused(own: Signatures, tmp_path: Path, text: str) -> None:
    (tmp_path / SIGNATURE_FILE).write_text(text)
    assert code_of(own, tmp_path) in {"bad-signature", "other-key"}


def test_a_missing_signature_is_refused_where_it_is_required(own: Signatures, tmp_path: Path) -> None:
    assert own.check_folder(ARTIFACT, HASH, tmp_path) is None
    required = Signatures(own.key_file, own.trusted, required=True)
    assert code_of(required, tmp_path) == "unsigned"


def test_another_key_and_a_revoked_one_are_refused(own: Signatures, tmp_path: Path) -> None:
    own.sign_folder(ARTIFACT, HASH, tmp_path)
    (public,) = own.trusted
    assert code_of(Signatures(trusted=[PUBLIC]), tmp_path) == "other-key"
    for revoked in (public, public[:16]):
        assert code_of(Signatures(trusted=[public], revoked=[revoked]), tmp_path) == "revoked-key"


def test_two_keys_are_active_while_one_takes_the_place_of_the_other(own: Signatures, tmp_path: Path) -> None:
    own.sign_folder(ARTIFACT, HASH, tmp_path)
    (old,) = own.trusted
    assert Signatures(trusted=[PUBLIC, old]).check_folder(ARTIFACT, HASH, tmp_path) == old


def test_without_a_trusted_key_nothing_is_checked_and_without_a_key_nothing_is_signed(tmp_path: Path) -> None:
    NO_SIGNATURES.sign_folder(ARTIFACT, HASH, tmp_path)
    assert not (tmp_path / SIGNATURE_FILE).exists()
    (tmp_path / SIGNATURE_FILE).write_text("x")
    assert NO_SIGNATURES.check_folder(ARTIFACT, HASH, tmp_path) is None


def test_nothing_is_signed_with_a_key_that_nobody_accepts(key: Path) -> None:
    public = public_key_of(read_key(key))
    with pytest.raises(UsageError) as error:
        Signatures(key, [PUBLIC]).sign(ARTIFACT, HASH)
    assert error.value.code == "other-key"
    with pytest.raises(UsageError) as error:
        Signatures(key, [public], [public]).sign(ARTIFACT, HASH)
    assert error.value.code == "revoked-key"


def test_a_chain_is_named_by_hashes_of_whole_signatures(own: Signatures) -> None:
    first = own.sign(ARTIFACT, HASH)
    assert first is not None
    second = own.sign(ARTIFACT, OTHER_HASH, [hash_of(first)])
    assert second is not None
    assert second["previous"] == [hash_of(first)]
    assert hash_of({**first, "at": "later"}) != hash_of(first)


def test_signatures_cannot_be_required_while_no_key_is_trusted() -> None:
    with pytest.raises(ValidationError, match="no key is trusted"):
        SignatureSettings(required=True)
    assert SignatureSettings(required=True, trusted=(PUBLIC,)).required
    with pytest.raises(ValidationError):
        SignatureSettings(trusted=("not a key",))
