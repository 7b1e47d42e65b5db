"""Commands for the keys that stand behind models, releases and tables: create, list, sign, check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from vipreco.cli.options import FormatOption, OutOption
from vipreco.cli.people_commands import PANEL
from vipreco.cli.store_session import ActorOption, keys_of, open_session
from vipreco.cli.table_output import TableOutput
from vipreco.errors import EXIT_INTEGRITY, EXIT_OK, IntegrityError, UsageError

if TYPE_CHECKING:
    from vipreco.online import Releases
    from vipreco.project import Project
    from vipreco.signatures import Signature, Signatures

UNCHECKED, UNSIGNED, SIGNED = "not checked: no key is trusted", "not signed", "signed"

keys = typer.Typer(
    help="Keys that sign models, releases and tables: create, list, sign, check.", no_args_is_help=True
)


class _Signable(NamedTuple):
    """Something with a manifest that can be signed.

    Args:
        kind: `tables`, `artifact` or `release`.
        name: Of its folder.
        check: Verifies it, with its signature, and returns the key.
        sign: Verifies it without, and signs it.
    """

    kind: str
    name: str
    check: Callable[[Signatures], str | None]
    sign: Callable[[Signatures], object]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    keys.command("create")(create)
    keys.command("list")(list_keys)
    keys.command("sign")(sign)
    keys.command("check")(check)
    app.add_typer(keys, name="keys", rich_help_panel=PANEL)


def create(
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Put another in the place of the key of this machine, which is deleted."
        ),
    ] = False,
    actor: ActorOption = None,
) -> None:
    """Create the key with which this machine signs, and print the line of vipreco.toml that trusts it.

    Imports, trainings and releases are signed from then on. To change a key: create another with --replace,
    trust both, run `vipreco keys sign`, and then move the old one from `trusted` to `revoked`.

    Example:  vipreco keys create
    """
    from vipreco.key_files import make_key, read_key
    from vipreco.signatures import KEY_DIGITS, public_key_of

    with open_session(actor) as session:
        chosen = session.project.settings.signatures
        path = session.project.root / chosen.key_file
        if replace:
            path.unlink(missing_ok=True)
        with session.audited("keys.create") as entry:
            if not make_key(path):
                raise UsageError(
                    "this machine has a key already",
                    where=str(path),
                    remedy="use --replace to put another in its place",
                    code="key-exists",
                )
            public = public_key_of(read_key(path))
            entry.object = public[:KEY_DIGITS]
    trusted = ", ".join(f'"{one}"' for one in [*chosen.trusted, public])
    typer.echo(f"[signatures]\ntrusted = [{trusted}]")
    typer.echo(f"key {public[:KEY_DIGITS]} is in {path}; put these lines into vipreco.toml", err=True)


def list_keys(kind: FormatOption = None, out: OutOption = None) -> None:
    """List the keys of this machine, those that are trusted, and those that were revoked.

    Example:  vipreco keys list
    """
    import polars as pl

    from vipreco.key_files import read_key
    from vipreco.project import Project
    from vipreco.signatures import KEY_DIGITS, public_key_of

    output = TableOutput.planned(kind, out)
    project = Project.find()
    signatures = project.signatures
    uses = {keys_of(project).public_keys[0]: ["signs heads of the audit here"]}
    if signatures.key_file is not None and signatures.can_sign:
        uses.setdefault(public_key_of(read_key(signatures.key_file)), []).append("signs here")
    for public in signatures.trusted:
        uses.setdefault(public, []).append("trusted")
    for public in signatures.revoked:
        uses.setdefault(public, []).append("revoked")
    rows = [(public[:KEY_DIGITS], ", ".join(use), public) for public, use in uses.items()]
    output.write(pl.DataFrame(rows, dict.fromkeys(("key", "use", "public_key"), pl.String()), orient="row"))


def sign(actor: ActorOption = None) -> None:
    """Verify the tables, models and releases of this project, and sign those that are not signed by this key.

    Signing says that they are yours: look at `vipreco keys check` first. Needed once after the first key, and
    after each change of keys.

    Example:  vipreco keys sign
    """
    from vipreco.signatures import NO_SIGNATURES

    with open_session(actor) as session:
        signatures = session.project.signatures
        if not signatures.can_sign:
            raise UsageError(
                "this machine has no key", remedy="make one with `vipreco keys create`", code="no-key"
            )
        unsigned = [one for one in _signables(session.project) if not _is_own(one, signatures)]
        for one in unsigned:
            one.check(NO_SIGNATURES)
        with session.audited("keys.sign") as entry:  # before it is done: a store that is held is found now
            entry.object = f"{len(unsigned)} to sign"
        for one in unsigned:
            one.sign(signatures)
            typer.echo(f"signed {one.kind} {one.name}", err=True)
    typer.echo(f"{len(unsigned)} signed")


def check(kind: FormatOption = None, out: OutOption = None) -> None:
    """Verify tables, models and releases with their signatures, and list them; exit code 6: one is refused.

    Example:  vipreco keys check
    """
    import polars as pl

    from vipreco.project import Project

    output = TableOutput.planned(kind, out)
    project = Project.find()
    rows = [(one.kind, one.name, *_state(one, project.signatures)) for one in _signables(project)]
    names = ("kind", "name", "state", "key")
    output.write(pl.DataFrame(rows, dict.fromkeys(names, pl.String()), orient="row"))
    refused = [row for row in rows if row[2] not in {SIGNED, UNSIGNED, UNCHECKED}]
    raise typer.Exit(EXIT_INTEGRITY if refused else EXIT_OK)


def _state(one: _Signable, signatures: Signatures) -> tuple[str, str | None]:
    from vipreco.signatures import KEY_DIGITS

    try:
        public = one.check(signatures)
    except IntegrityError as error:
        return f"{error.what} ({error.code})", None
    if not signatures.trusted:
        return UNCHECKED, None
    return (UNSIGNED, None) if public is None else (SIGNED, public[:KEY_DIGITS])


def _is_own(one: _Signable, signatures: Signatures) -> bool:
    """Return whether something has a right signature by the key of this machine."""
    from vipreco.signatures import Signatures

    own = signatures.own_key()
    try:
        return own is not None and one.check(Signatures(trusted=[own])) == own
    except IntegrityError:
        return False


def _signables(project: Project) -> Iterator[_Signable]:
    """Give the tables, models and releases of a project."""
    from vipreco.artifact import sign_artifact, verify_signed
    from vipreco.cli.project_inputs import releases_of
    from vipreco.online import read_manifest
    from vipreco.tables import sign_manifest

    if (project.tables / "manifest.json").exists():
        folder = project.tables
        yield _Signable(
            "tables", folder.name, partial(_key_of_tables, folder), partial(sign_manifest, folder)
        )
    for folder in sorted(path.parent for path in project.artifacts.glob("[!.]*/manifest.json")):
        check = partial(_key_of_folder, verify_signed, folder)
        yield _Signable("artifact", folder.name, check, partial(sign_artifact, folder))
    releases = releases_of(project)
    for folder in releases.all():
        check = partial(_key_of_folder, read_manifest, folder)
        yield _Signable("release", folder.name, check, partial(_sign_release, releases, folder))


def _key_of_tables(folder: Path, signatures: Signatures) -> str | None:
    from vipreco.tables import Tables

    tables = Tables.open(folder, signatures=signatures)
    tables.verify()
    return _key_of(tables.manifest.signature)


def _key_of_folder(
    verify: Callable[[Path, Signatures], object], folder: Path, signatures: Signatures
) -> str | None:
    """Verify a folder, and return the key of the signature beside its manifest."""
    from vipreco.signatures import read_signature

    verify(folder, signatures)
    return _key_of(read_signature(folder)) if signatures.trusted else None


def _key_of(signature: Signature | None) -> str | None:
    return None if signature is None else str(signature.get("key"))


def _sign_release(releases: Releases, folder: Path, _: Signatures) -> None:
    releases.sign(folder)
