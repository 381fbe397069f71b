"""`gamerec notify`: word of a run sent again, or for the first time by an orchestrator."""

from typing import Annotated

import typer


def notify(
    run_id: Annotated[str, typer.Argument(metavar="[RUN_ID]", help="Else the newest run.")] = "",
    test: Annotated[
        bool, typer.Option("--test", help="Send a test message instead, whatever NOTIFY_ON says.")
    ] = False,
) -> None:
    """Send word of how a run ended to NOTIFY_URLS."""
    from gamerec import notify as words
    from gamerec.errors import DataError, ServiceError, UsageError
    from gamerec.reports.record import read_record, read_records
    from gamerec.settings import load_settings

    settings = load_settings()
    addresses = words.targets(settings)
    if not addresses:
        raise UsageError("NOTIFY_URLS is not set: see .env.example")
    if test:
        word = words.plain_word("test", "done", ["Word of runs will come here."], settings)
    elif run_id:
        word = words.word_of(read_record(settings.reports / run_id), settings)
    elif records := read_records(settings.reports):
        word = words.word_of(records[0], settings)
    else:
        raise DataError("there is no run yet: `gamerec run`")
    if faults := words.send(word, addresses, settings):
        raise ServiceError("not sent: " + "; ".join(faults))
    typer.echo(f"sent to {len(addresses)} address{'es' * (len(addresses) > 1)}")
