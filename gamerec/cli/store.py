"""`gamerec store`: the store's objects between this machine and S3."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gamerec.cli.faults import faults_without_secrets
from gamerec.errors import DataError, UsageError

if TYPE_CHECKING:
    from gamerec.settings import Settings
    from gamerec.storage import Store

app = typer.Typer(help="The store.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def store() -> None:
    """The store."""


@app.command()
def sync(
    to: Annotated[
        str, typer.Option("--to", metavar="URI", help="Copy the local store there, to s3://...")
    ] = "",
    source: Annotated[
        str, typer.Option("--from", metavar="URI", help="Copy from there to the local store.")
    ] = "",
    folder: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The local store, if not store/.")
    ] = None,
) -> None:
    """Copy what differs, by checksum, between the local store and another one; deletes nothing.

    Of what both have otherwise the copied one wins, but model versions and the promotion log are
    left alone where the two histories differ; then it ends with 3. Cut short, it can be repeated.
    """
    from gamerec.copying import copy
    from gamerec.settings import load_settings
    from gamerec.storage import FolderStore

    settings = load_settings()
    if bool(to) == bool(source):
        raise UsageError("say where: --to s3://bucket/prefix, or --from s3://bucket/prefix")
    local = FolderStore(folder or settings.gamerec_home / "store")
    with faults_without_secrets():
        other: Store = _other(to or source, settings)
        origin, target = (local, other) if to else (other, local)
        done = copy(origin, target, lambda key: typer.echo(f"  {key}"))
    typer.echo(f"{origin.uri} -> {target.uri}: {done}")
    if done.conflicts:
        raise DataError(
            f"{', '.join(done.conflicts)} differ in the two stores and were left as they are: "
            "each has a history of its own"
        )


def _other(uri: str, settings: "Settings") -> "Store":
    """The other store itself, without a folder beside it."""
    from gamerec.s3 import open_s3
    from gamerec.storage import open_store

    return open_s3(uri, settings) if uri.startswith("s3://") else open_store(uri)
