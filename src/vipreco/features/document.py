"""The data dictionary for people, generated from the feature definitions."""

from __future__ import annotations

from vipreco.features.dictionary import Feature, FeatureFile
from vipreco.features.feature_set import FeatureSet
from vipreco.features.tier_lines import TIER_LINES

_HEAD = """# Data dictionary

Generated from `dictionary.toml`; a test holds the two together. Do not edit by hand.

A feature is a column of a SQL file in this folder, computed over what was known at the as-of date.
*Customer* features have one value a customer; *product* features one value a customer and product, in
columns named `<feature>@<product_id>`. "Default" stands where there is no row or no value: a number, or
*missing*. `{column}` stands for each column of that kind in the tables.

`golden/` holds a tiny bank with the values that people worked out by hand, and why.
"""


def render_dictionary(features: FeatureSet) -> str:
    """Return the data dictionary as Markdown: the features by family, then what is never one.

    Write it with `Path("features/README.md").write_text(render_dictionary(FeatureSet.read("features")))`.
    """
    files = [file for file in features.dictionary.file if file.features]
    families = list(dict.fromkeys(file.family for file in files))
    parts = [
        _HEAD,
        _views(),
        *(_family(name, files) for name in families),
        _steps(features),
        _never(features),
    ]
    return "\n".join(parts)


def _views() -> str:
    return """## What the SQL may read

Views of the as-of date, and nothing else: `customers`, `customers_now` (one row for each of the population),
`population`, `holdings`, `observations`, `products`, `activity`, `contacts`, `clock` (as_of_date,
snapshot_date, newest_month_date: of the bank's activity), `snapshots` (snapshot_date, lag: 0 = newest),
`tier_lines` (the lines of `[tiers]` in `vipreco.toml` that are valid at the as-of date: tier, tier_rank
from 0, from_amount); and the shared steps below. Files, clocks and chance are refused.
"""


def _family(name: str, files: list[FeatureFile]) -> str:
    parts = [f"## {name}\n", *(_file(file) for file in files if file.family == name)]
    return "\n".join(parts)


def _file(file: FeatureFile) -> str:
    sources = ", ".join(f"`{table}`" for table in file.tables)
    needs = _needs(file)
    each = f" For each {' and '.join(file.each.kinds)} column `{file.each.columns}`." if file.each else ""
    head = f"`{file.sql_name}` ({file.grain}), from {sources}. {file.description}{each}{needs}\n"
    table = ["| feature | type | default | meaning |", "|---|---|---|---|", *map(_row, file.features)]
    return "\n".join([head, *table]) + "\n"


def _needs(file: FeatureFile) -> str:
    if not file.requires:
        return ""
    if file.requires == TIER_LINES:
        return " Left out where `vipreco.toml` has no ladder of tiers."
    return f" Left out where no {file.requires} table was imported."


def _row(feature: Feature) -> str:
    default = "missing" if feature.default is None else f"`{feature.default!r}`".replace(".0`", "`")
    kind = f"category, {feature.max_categories} at most" if feature.type == "category" else feature.type
    return f"| `{feature.name}` | {kind} | {default} | {feature.description} |"


def _steps(features: FeatureSet) -> str:
    steps = [file for file in features.dictionary.file if file.grain == "shared"]
    lines = [f"- `{file.sql_name}`: {file.description}" for file in steps]
    return "\n".join(["## Shared steps\n", *lines]) + "\n"


def _never(features: FeatureSet) -> str:
    lines = [
        f"- {rule.reason}: {', '.join(f'`{word}`' for word in rule.words)}"
        for rule in features.prohibited.prohibited
    ]
    return "\n".join(["## Never a feature\n", "By the words of a name:\n", *lines]) + "\n"
