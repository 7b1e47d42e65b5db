"""The feature dictionary: one entry for each column of the SQL files; and what may never be a feature."""

from __future__ import annotations

import re
import tomllib
from fnmatch import translate
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from vipreco.columns import ATTRIBUTE_PREFIX
from vipreco.errors import UsageError
from vipreco.project import Model
from vipreco.settings import Section

Grain = Literal["shared", "customer", "product"]
Kind = Literal["number", "flag", "category", "date"]
PLACEHOLDER = "{column}"
Name = Annotated[str, Field(pattern=r"^[a-z_{}][a-z0-9_{}]*$")]


class Feature(Section):
    """One column: its meaning, type, and what stands where the SQL gives nothing.

    Attributes:
        name: Name of the column; with `{column}` it stands for one feature a column of `each`.
        type: number, count, flag or category.
        default: Value of a customer (or pair) without a row, or with NULL; absent = missing.
        description: What it means, in the words of the bank.
        max_categories: How many values of a category are told apart; the rarer ones become unknown.
    """

    name: Name
    type: Literal["number", "count", "flag", "category"]
    description: Annotated[str, Field(min_length=10)]
    default: float | str | None = None
    max_categories: Annotated[int, Field(ge=1)] = 1000

    @model_validator(mode="after")
    def _default_fits(self) -> Feature:
        if self.default is not None and isinstance(self.default, str) != (self.type == "category"):
            raise ValueError(f"the default of {self.name} does not fit its type {self.type}")
        return self

    @property
    def fill(self) -> float:
        """The default as a number: NaN when missing (categories have their own way)."""
        return float(self.default) if isinstance(self.default, (int, float)) else float("nan")


class Each(Section):
    """The columns of a bank for which the lines with `{column}` are repeated.

    Attributes:
        table: Table whose columns are meant.
        columns: Pattern of their names (`attribute_*`).
        kinds: Which kinds of column.
    """

    table: str
    columns: str
    kinds: tuple[Kind, ...]


class FeatureFile(Section):
    """One SQL file.

    Attributes:
        name: Name of the file without `.sql`.
        grain: customer (one row each), product (a row a customer and product), shared (a step for others).
        family: Heading in the data dictionary.
        description: What the file does.
        tables: What it reads: views of the as-of date and shared files before it.
        requires: A table without which the file is left out, because it was not imported.
        each: Columns over which it is repeated.
        features: Its columns, in any order.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    grain: Grain
    family: str = ""
    description: Annotated[str, Field(min_length=10)]
    tables: tuple[str, ...]
    requires: str | None = None
    each: Each | None = None
    features: tuple[Feature, ...] = ()

    @property
    def sql_name(self) -> str:
        """Name of the SQL file."""
        return f"{self.name}.sql"


class Dictionary(Section):
    """All of `dictionary.toml`."""

    file: tuple[FeatureFile, ...]


class Prohibition(Section):
    """A reason, and the words (shell patterns) in a name that give such an attribute away."""

    reason: str
    words: tuple[str, ...]

    @cached_property  # one expression for all words: 0.4 s less at each start, for 1,100 columns of a model
    def expression(self) -> re.Pattern[str]:
        """Matches each of the words."""
        return re.compile("|".join(map(translate, self.words)) or "(?!)")


class Prohibited(Section):
    """All of `prohibited.toml`."""

    prohibited: tuple[Prohibition, ...]

    def reason(self, name: str) -> str | None:
        """Return why a column of this name may not be a feature, or None.

        >>> rules = Prohibited(prohibited=(Prohibition(reason="sex", words=("sex", "gender*")),))
        >>> rules.reason("attribute_sex"), rules.reason("gender_code"), rules.reason("essex")
        ('sex', 'sex', None)
        """
        words = [
            word for word in re.split(r"[^\w]|_", name.removeprefix(ATTRIBUTE_PREFIX).casefold()) if word
        ]
        for rule in self.prohibited:
            if any(map(rule.expression.match, words)):
                return rule.reason
        return None


def parse_definition(content: bytes, model: type[Model], where: str) -> Model:
    """Read a TOML file of the definition from its bytes.

    Raises:
        UsageError: Not TOML, an unknown key or a wrong value; each finding is listed.
    """
    try:
        return model.model_validate(tomllib.loads(content.decode("utf-8")), strict=False)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"is not valid TOML: {error}", where=where, code="syntax") from error
    except ValidationError as error:
        raise UsageError(
            f"{error.error_count()} entries are wrong",
            where=where,
            remedy="correct these entries",
            code="dictionary",
            examples=[f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()],
        ) from error
