"""`gamerec report`."""

from typing import Annotated

import typer

from gamerec.cli.faults import faults_without_secrets


def report(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="The run.")],
) -> None:
    """Write the report of a run whose notebooks were executed outside `gamerec run`.

    Airflow's last task does so; after `papermill` by hand, with `-p RUN_ID ...` and its outputs in
    reports/RUN_ID/, it makes run.json, the pages and the index.
    """
    from gamerec.pipeline.adopt import adopt

    with faults_without_secrets():
        record = adopt(run_id)
    typer.echo(f"run {record.run_id}: {record.status}")
    for name, place in record.results.items():
        typer.echo(f"  {name:<16} {place}")
    for sink, what in record.pending.items():
        typer.echo(f"  not delivered    {sink}: {what}")
    if record.error:
        typer.echo(f"  {record.error['stage']}: {record.error['message']}")
