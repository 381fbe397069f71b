"""`gamerec models`: versions, the channels that point to them, and going back."""

import getpass
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from gamerec.errors import GateRefused, UsageError

if TYPE_CHECKING:
    from gamerec.registry import Registry

app = typer.Typer(help="Model versions and channels.", no_args_is_help=True, rich_markup_mode=None)

_Version = Annotated[str, typer.Argument(metavar="VERSION", help="model_v3, or a channel.")]
_Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the log.")]


@app.command("list")
def list_versions() -> None:
    """List the versions, newest first, with the channels that point to them."""
    table = _registry().table()
    if table.empty:
        typer.echo("no model yet")
        return
    table["created_at"] = table["created_at"].str[:16]
    typer.echo(table.fillna("").to_string(index=False))


@app.command()
def show(version: _Version = "production") -> None:
    """Show the card of a version."""
    typer.echo(_registry().card(version))


@app.command()
def diff(first: _Version, second: _Version) -> None:
    """Show in what two versions differ."""
    table = _registry().diff(first, second)
    for field, one, two in table.itertuples(index=False, name=None):
        typer.echo(f"{field}\n  - {_short(one)}\n  + {_short(two)}")


@app.command()
def promote(
    version: _Version,
    why: _Why = "",
    force: Annotated[
        bool, typer.Option("--force", help="Also what the gate has not let pass; needs --why.")
    ] = False,
) -> None:
    """Make a version production."""
    registry = _registry()
    verdict = (registry.info(version)["evaluation"] or {}).get("verdict") or {}
    if not verdict.get("promote"):
        reason = verdict.get("reason", "it has not been evaluated")
        if not force:
            raise GateRefused(f"{version}: {reason}. --force --why TEXT promotes it all the same")
        if not why:
            raise UsageError("--force needs --why TEXT: what the gate refused is told in the log")
    live = registry.promote(version, by=_user(), why=why or "by hand", forced=force)
    _announce(registry, live, "promote", why)


@app.command()
def rollback(why: _Why = "") -> None:
    """Make the previous version production again."""
    registry = _registry()
    live = registry.rollback(by=_user(), why=why or "rolled back by hand")
    _announce(registry, live, "rollback", why)


@app.command()
def prune(
    keep: Annotated[int, typer.Option("--keep", metavar="N", help="How many stay, the newest.")],
) -> None:
    """Delete old versions, never one that a channel points to."""
    deleted = _registry().prune(keep)
    typer.echo(f"deleted: {', '.join(deleted) or 'none'}")


def _registry() -> "Registry":
    from gamerec.registry import Registry
    from gamerec.settings import load_settings
    from gamerec.storage import open_store

    settings = load_settings()
    return Registry(open_store(settings.store_uri, settings))


def _announce(registry: "Registry", live: str, move: str, why: str) -> None:
    """Say what is live now, here and in W&B, where the aliases follow the channels."""
    from gamerec import tracking
    from gamerec.settings import load_settings

    typer.echo(f"{live} is production")
    run_id = registry.info(live)["run_id"]
    with tracking.start(load_settings(), move, run_id, {"version": live, "why": why}) as track:
        track.models(registry)


def _short(value: object) -> str:
    return textwrap.shorten(str(value), 110, placeholder=" ...")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
