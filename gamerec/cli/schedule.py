"""`gamerec schedule`: the pipeline at the times of a cron expression, and how that goes."""

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gamerec.cli.faults import faults_without_secrets

app = typer.Typer(
    help="Run the pipeline on a schedule until SIGTERM or Ctrl-C.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

_Cron = Annotated[
    str, typer.Option(metavar="CRON", help="Instead of SCHEDULE_CRON: '0 3 * * *' is daily at 3.")
]
_Zone = Annotated[
    str, typer.Option("--tz", metavar="ZONE", help="Instead of SCHEDULE_TZ: Asia/Seoul, UTC.")
]


@app.callback()
def schedule(
    context: typer.Context,
    cron: _Cron = "",
    tz: _Zone = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="stage.NAME=value", help="For `gamerec run`."),
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option("-f", "--file", metavar="FILE", help="For `gamerec run`.")
    ] = None,
    interactions: Annotated[str, typer.Option(metavar="PATH", help="For `gamerec run`.")] = "",
    catalogue: Annotated[str, typer.Option(metavar="PATH", help="For `gamerec run`.")] = "",
    until: Annotated[str, typer.Option(metavar="STAGE", help="For `gamerec run`.")] = "",
) -> None:
    """Run the pipeline on a schedule until SIGTERM or Ctrl-C.

    A run that fails or is killed is tried again with growing pauses, going on where it ended. A
    second scheduler in the same project folder leaves with exit code 6.
    """
    if context.invoked_subcommand:
        return
    from gamerec.schedule.attempts import Options
    from gamerec.schedule.cron import Cron
    from gamerec.schedule.scheduler import Scheduler
    from gamerec.schedule.word import tell_job
    from gamerec.settings import load_settings

    settings = load_settings()
    times = Cron(cron or settings.schedule_cron, tz or settings.schedule_tz)
    new = [part for value in parameter or [] for part in ("-p", value)]
    new += [part for path in file or [] for part in ("-f", str(path.resolve()))]
    for name, value in (("--interactions", interactions), ("--catalogue", catalogue)):
        new += [name, value] if value else []
    options = Options(tuple(new), ("--until", until) if until else ())
    _check([*options.after(""), "--dry-run"])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    with faults_without_secrets():
        Scheduler(times, settings, options, told=lambda job: tell_job(job, settings)).run()


@app.command()
def status(
    count: Annotated[int, typer.Option("-n", metavar="N", min=1, help="Results to show.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show the next runs, the run in progress and the last results."""
    from gamerec.schedule import status as pages
    from gamerec.schedule.cron import Cron
    from gamerec.schedule.state import load_state
    from gamerec.settings import load_settings

    settings = load_settings()
    state = load_state(settings)
    # The times that the scheduler goes by may have come from its options.
    cron = Cron(state.cron or settings.schedule_cron, state.zone or settings.schedule_tz)
    now = datetime.now(UTC)
    found = pages.summary(state, cron, now, count)
    typer.echo(json.dumps(found, indent=2) if as_json else pages.as_text(found, cron, now))


def _check(options: list[str]) -> None:
    """Refuse now what every run would be refused for."""
    from gamerec.schedule.process import COMMAND

    done = subprocess.run([*COMMAND, *options], stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)
