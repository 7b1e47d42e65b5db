"""Plans and runs of campaigns as the terminal shows them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vipreco.cli.options import Format
from vipreco.cli.table_output import TableOutput, table_text

if TYPE_CHECKING:
    import polars as pl

    from vipreco.campaign import CampaignPlan

MAX_MANAGERS = 8
MAX_REASONS = 3


def show_plan(found: CampaignPlan, output: TableOutput) -> None:
    """Show a plan on the terminal, or write it where it was asked for."""
    if output.kind is Format.json:
        _write_json(found, output)
    elif output.kind is Format.table and output.path is None:
        _show_waterfall(found.waterfall)
        show_summary(found.summary)
        typer.echo(_power_text(found.power))
        typer.echo(table_text(found.what_if, title="a tenth more or fewer"), nl=False)
        typer.echo(f"planned in {found.seconds:.1f} s; nothing was decided")
    else:
        output.write(_plan_rows(found))


def _write_json(found: CampaignPlan, output: TableOutput) -> None:
    from vipreco.durable import canonical_json, write_bytes

    content = canonical_json(found.record())
    if output.path is None:
        typer.echo(content.decode(), nl=False)
        return
    write_bytes(output.path, content)
    typer.echo(f"plan written to {output.path}", err=True)


def _plan_rows(found: CampaignPlan) -> pl.DataFrame:
    """Return a plan as one long table: part, what, amount, text."""
    import polars as pl

    total, power = found.summary, found.power
    rows: list[tuple[str, str, float | None, str]] = [
        ("audience", row["rule"], float(row["left"]), f"{row['fell']:,} fell")
        for row in found.waterfall.to_dicts()
    ]
    rows += [("arms", name, float(count), "") for name, count in total["arms"].items()]
    rows += [("value", name, float(total[name]), "") for name in ("value_amount", "bound_amount", "gap_rate")]
    rows += [("power", name, None if value is None else float(value), "") for name, value in power.items()]
    rows += [
        ("price", f"{row['limit']} {row['group']}", row["price"], row["meaning"]) for row in total["limits"]
    ]
    for row in found.what_if.to_dicts():
        rows.append(("a tenth fewer", row["limit"], row["value_of_fewer"], f"{row['fewer']:,.0f}"))
        rows.append(("a tenth more", row["limit"], row["value_of_more"], f"{row['more']:,.0f}"))
    schema = {"part": pl.String, "what": pl.String, "amount": pl.Float64, "text": pl.String}
    return pl.DataFrame(rows, schema, orient="row")


def _show_waterfall(rows: pl.DataFrame) -> None:
    typer.echo(table_text(rows, title="audience"), nl=False)


def show_summary(found: dict[str, Any]) -> None:
    """Show arms, value, random offers, sides and limits of a plan or a run."""
    import polars as pl

    arms = found["arms"]
    typer.echo(
        f"{found['customers']:,} eligible customers: {arms['offered']:,} get an offer, "
        f"{arms['explored']:,} a random one, {arms['control']:,} are the control group, "
        f"{arms['unallocated']:,} get none"
    )
    typer.echo(
        f"expected value {found['value_amount']:,.2f}; no list within the limits can exceed "
        f"{found['bound_amount']:,.2f} (gap {found['gap_rate']:.2%})"
    )
    if arms["explored"]:
        typer.echo(f"{found['random_value_amount']:,.2f} of it comes from random offers, made to learn")
    if told := found.get("exploration"):
        typer.echo(_exploration_text(told))
    if split := found.get("split"):
        sides = ", ".join(f"{count:,} by the {side}" for side, count in split["customers"].items())
        typer.echo(f"split {split['key']}: decided {sides}, each with its share of the limits")
    for name, missing in found["shortfall"].items():
        typer.echo(f"warning: {name} is {missing:,.0f} below its minimum")
    shown = found["limits"]
    managers = [row for row in shown if row["limit"] == "manager"]
    kept = sorted(managers, key=lambda row: -row["price"])[:MAX_MANAGERS]
    rows = [row for row in shown if row["limit"] != "manager" or row in kept]
    if rows:
        table = pl.DataFrame(rows).rename({"most": "max"}, strict=False)  # so in manifests of before
        table = table.select("limit", "group", "used", "max", "meaning")
        typer.echo(table_text(table, title="limits"), nl=False)
    if len(managers) > len(kept):
        typer.echo(f"and {len(managers) - len(kept)} more managers: see the manifest")


def _exploration_text(told: dict[str, Any]) -> str:
    """Say how many random offers were asked for and made, and which limits stood between."""
    asked, made = told["asked"], told["made"]
    line = f"random offers: {asked:,.0f} asked for ({told['asked_share']:.1%}), {made:,} made"
    if not told["limits"]:
        return line
    tightest = sorted(told["limits"].items(), key=lambda one: (-one[1], one[0]))[:MAX_REASONS]
    reasons = ", ".join(f"{name} takes {amount:,.0f}" for name, amount in tightest)
    return f"{line}; they may use {told['max_of_limit']:.0%} of a limit: {reasons}"


def _power_text(power: dict[str, Any]) -> str:
    needed = "" if power["needed"] is None else f"; {power['needed']:,} such customers are needed for 80 %"
    arms = f"{power['treated']:,} treated, {power['control']:,} in control{needed}"
    return (
        f"power: an effect of {power['effect_rate']:.2%} on a rate of {power['base_rate']:.2%} "
        f"is shown with a chance of {power['power_rate']:.0%} ({arms})"
    )


def files_text(folder: Path, manifest: dict[str, Any]) -> str:
    """Return where the lists of a run are."""
    lists = [name for name in manifest["files"] if name.startswith("lists/")]
    return f"{len(lists)} lists, assignments and manifest in {folder}"
