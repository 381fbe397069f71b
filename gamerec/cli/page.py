"""`gamerec app`: the page where players and analysts look at recommendations."""

from typing import Annotated

import typer

from gamerec.cli.faults import faults_without_secrets


def serve_page(
    port: Annotated[int, typer.Option(help="Port of the page.", min=1, max=65535)] = 8866,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for every network.")
    ] = "127.0.0.1",
    patience: Annotated[
        float, typer.Option(help="Seconds until a page that vanished loses its kernel.", min=1)
    ] = 20,
) -> None:
    """Serve the page of recommendations until interrupted."""
    from gamerec.settings import load_settings
    from gamerec.ui.server import serve

    def ready(address: str) -> None:
        typer.echo(f"the page is at {address} (Ctrl-C ends it)")

    with faults_without_secrets():
        serve(load_settings(), host=host, port=port, patience=patience, ready=ready)
