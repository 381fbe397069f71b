"""The `gamerec` command. What takes time to import is imported by the command that needs it."""

from typing import Any

import typer
from typer.core import TyperGroup

from gamerec.cli import (
    db,
    doctor,
    models,
    notify,
    page,
    pipeline,
    report,
    schedule,
    serve,
    store,
    track,
)
from gamerec.cli.deliver import deliver
from gamerec.cli.faults import complain
from gamerec.cli.pipeline import EXIT_CODES
from gamerec.errors import GamerecError


class _Group(TyperGroup):
    """Ends with the exit code of our own errors, their message alone on standard error."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # a private parent
        try:
            return super().invoke(ctx)
        except GamerecError as error:
            complain(str(error))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            complain("interrupted")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Group,
    help="Game recommendations from notebooks.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would show local variables
    rich_markup_mode=None,
)
app.command(epilog=EXIT_CODES)(pipeline.run)
app.command()(pipeline.params)
app.command()(report.report)
app.command("app")(page.serve_page)
app.command()(deliver)
app.command("warm-up")(pipeline.warm_up)
app.command()(serve.serve)
app.add_typer(models.app, name="models")
app.add_typer(store.app, name="store")
app.add_typer(track.app, name="track")
app.add_typer(db.app, name="db")
app.add_typer(schedule.app, name="schedule")
app.command()(notify.notify)
app.command()(doctor.doctor)
