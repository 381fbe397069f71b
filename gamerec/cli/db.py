"""`gamerec db`: the tables of the database."""

import typer

from gamerec.cli.faults import faults_without_secrets

app = typer.Typer(help="The database.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def db() -> None:
    """The database."""


@app.command()
def upgrade() -> None:
    """Bring the tables to the newest version; every run does so by itself."""
    from gamerec.database import database_of
    from gamerec.settings import load_settings

    settings = load_settings()
    with faults_without_secrets(), database_of(settings) as database:
        before = database.version()
        after = database.upgrade()
        typer.echo(f"{database.address}: {before or 'no tables'} -> {after}")
