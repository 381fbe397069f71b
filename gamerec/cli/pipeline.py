"""`gamerec run`, `params` and `warm-up`."""

from pathlib import Path
from typing import Annotated

import typer

from gamerec.cli.faults import faults_without_secrets

EXIT_CODES = """Exit codes: 0 success; 1 any other error; 2 wrong usage; 3 bad data; 4 the gate
refused the candidate (the run is complete); 5 a stage failed; 6 another run is in progress;
7 a service refused or is out of reach; 130 interrupted."""


def run(
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--parameter", metavar="stage.NAME=value", help="A parameter; may be given again."
        ),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            "-f", "--file", metavar="FILE", help="Parameters in YAML: {stage: {NAME: value}}."
        ),
    ] = None,
    first: Annotated[str, typer.Option("--from", metavar="STAGE", help="Begin here.")] = "",
    last: Annotated[str, typer.Option("--until", metavar="STAGE", help="End after this.")] = "",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="STAGE[,STAGE]", help="Run these stages alone."),
    ] = None,
    resume: Annotated[
        str,
        typer.Option("--resume", metavar="RUN_ID", help="Go on with a run; finished stages stay."),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, run nothing.")
    ] = False,
    interactions: Annotated[
        str, typer.Option(metavar="PATH", help="A play log instead of simulated players.")
    ] = "",
    catalogue: Annotated[
        str, typer.Option(metavar="PATH", help="A file of games instead of RAWG or the sample.")
    ] = "",
) -> None:
    """Run the notebooks: crawl, eda, preprocess, simulate, train, evaluate, batch_score.

    Without options all of them, in a new run. --from or --only with a later stage work in the
    newest run, or in that of --resume, and run again what is finished. --resume alone runs what is
    not finished; with -p also what the changed parameters outdate. Later -p win over -f.
    """
    from gamerec.parameters import declared, from_file, from_options, merge
    from gamerec.pipeline.plan import Request
    from gamerec.pipeline.run import run_pipeline
    from gamerec.settings import load_settings

    settings = load_settings()
    known = declared(settings.notebooks)
    paths = {"simulate.INTERACTIONS": interactions, "crawl.CATALOGUE": catalogue}
    request = Request(
        first=first,
        last=last,
        only=tuple(name.strip() for names in only or [] for name in names.split(",")),
        resume=resume,
        parameters=merge(
            *(from_file(path, known) for path in file or []),
            from_options(parameter or [], known),
            from_options((f"{name}={path}" for name, path in paths.items() if path), known),
        ),
    )
    with faults_without_secrets():
        run_pipeline(request, settings=settings, dry_run=dry_run)


def params(
    stage: Annotated[str, typer.Argument(metavar="[STAGE]", help="One stage; else all.")] = "",
) -> None:
    """List the parameters of the stages: name, type, default and meaning."""
    from gamerec.parameters import RUN_ID, check_stage, declared
    from gamerec.settings import load_settings

    known = declared(load_settings().notebooks, [check_stage(stage)] if stage else _stages())
    for number, (name, parameters) in enumerate(known.items()):
        typer.echo(("\n" if number else "") + name)
        for p in parameters.values():
            if p.name != RUN_ID:
                typer.echo(f"  {p.name}: {p.annotation} = {p.default!r}")
                typer.echo(f"      {p.help}") if p.help else None


def _stages() -> tuple[str, ...]:
    from gamerec.runs import STAGES

    return STAGES


def warm_up() -> None:
    """Compile and cache what the first run would have to: one small run in a temporary folder."""
    from gamerec.pipeline.warm import warm_up as warm

    with faults_without_secrets():
        warm()
