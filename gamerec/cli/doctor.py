"""`gamerec doctor`: what works here, and what to do about the rest."""

import textwrap

import typer

_MARKS = {"ok": "ok  ", "note": "-   ", "bad": "BAD "}


def doctor() -> None:
    """Check Python, packages, disk, ports, kernels, store, database and keys.

    Says what to do about each. Exit code 0 where the pipeline can run, else 1. Works offline.
    """
    from gamerec.doctor import examine
    from gamerec.settings import load_settings

    bad = 0
    for name, finding in examine(load_settings()):
        bad += finding.state == "bad"
        typer.echo(f"{_MARKS[finding.state]}{name:<14} {finding.text}")
        if finding.advice:
            typer.echo(textwrap.fill(finding.advice, 96, initial_indent=" " * 19 + "-> "))
    if bad:
        typer.echo(f"{bad} to be put right")
        raise typer.Exit(1)
