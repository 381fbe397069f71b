"""Faults on standard error: our own errors as one message, others with traceback, no secrets."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from gamerec.errors import GamerecError


@contextmanager
def faults_without_secrets() -> Iterator[None]:
    """Show the traceback of a fault of ours as Python does, but without secrets."""
    try:
        yield
    except GamerecError:
        raise
    except Exception:
        complain(traceback.format_exc())
        raise typer.Exit(1) from None


def complain(message: str) -> None:
    """Say what went wrong on standard error, without secrets."""
    from gamerec.redaction import Redactor
    from gamerec.settings import load_settings

    try:
        secrets = load_settings().secrets
    except GamerecError:
        secrets = []
    print(f"gamerec: {Redactor(secrets)(message)}", file=sys.stderr)
