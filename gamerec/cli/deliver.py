"""`gamerec deliver`: bring the bucket, the database and W&B what they could not take before."""

import typer

from gamerec.cli.faults import faults_without_secrets
from gamerec.errors import ServiceError


def deliver() -> None:
    """Deliver what is pending to S3, the database and W&B; the next run does so by itself.

    Ends with 7 where something is pending still.
    """
    from gamerec import outbox
    from gamerec.settings import load_settings

    settings = load_settings()
    with faults_without_secrets():
        if not outbox.pending(settings):
            typer.echo("nothing is pending")
            return
        left = outbox.deliver(settings, typer.echo)
    if left:
        raise ServiceError(
            "pending still: " + "; ".join(f"{sink}: {text}" for sink, text in left.items())
        )
