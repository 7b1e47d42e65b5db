"""Section `[signatures]` of `vipreco.toml`: which keys stand behind models, releases and tables."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from vipreco.settings.section import Section

PublicKey = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class SignatureSettings(Section):
    """Key of this machine, and the keys that the bank trusts; `vipreco keys create` makes one.

    Args:
        key_file: File of the key that signs on this machine, from the project's folder, readable by its owner
            alone. Where it does not exist, nothing is signed.
        trusted: Public keys whose signatures count; without any, signatures are not checked.
        revoked: Public keys, or their first 16 digits, whose signatures are refused.
        required: Refuse what is not signed.
    """

    key_file: Annotated[str, Field(min_length=1)] = "data/keys/signing.key"
    trusted: tuple[PublicKey, ...] = ()
    revoked: tuple[Annotated[str, Field(pattern="^[0-9a-f]{16,64}$")], ...] = ()
    required: bool = False

    @model_validator(mode="after")
    def _can_be_met(self) -> SignatureSettings:
        if self.required and not self.trusted:
            raise ValueError("signatures cannot be required while no key is trusted")
        return self
