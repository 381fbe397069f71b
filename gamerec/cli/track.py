"""`gamerec track`: W&B runs that were recorded offline."""

from typing import Annotated

import typer

from gamerec.cli.faults import faults_without_secrets

app = typer.Typer(help="W&B runs.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def track() -> None:
    """W&B runs."""


@app.command()
def sync(
    seconds: Annotated[
        float, typer.Option(metavar="N", min=1, help="End after so many seconds.")
    ] = 600,
) -> None:
    """Send the runs that were recorded offline; those that were sent are not sent again."""
    from gamerec import tracking
    from gamerec.settings import load_settings

    settings = load_settings()
    with faults_without_secrets():
        if not tracking.unsent(settings):
            typer.echo("nothing to send")
            return
        tracking.sync(settings, lambda line: typer.echo(f"sent {line}"), seconds)
