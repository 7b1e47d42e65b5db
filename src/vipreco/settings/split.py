"""Section `[split]` of `vipreco.toml`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from vipreco.settings.section import Section


class SplitSettings(Section):
    """A challenger that decides for a part of the customers, so that outcomes can tell which model is better.

    Args:
        key: Name of the comparison; another one draws other customers.
        challenger: Version in the registry, by number: an alias may move while the comparison runs.
        share: Of the customers, for whom the challenger decides.
        start_date: First day; outcomes count from it on.
    """

    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    challenger: Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]
    share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    start_date: date
