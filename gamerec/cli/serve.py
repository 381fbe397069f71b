"""`gamerec serve`: the HTTP service by uvicorn, on this machine's settings."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

_HOST = "Address to listen at; default SERVICE_HOST."
_PORT = "Port; default SERVICE_PORT."
_WORKERS = "Processes that answer, sharing the model's memory; default SERVICE_WORKERS."


def serve(
    host: Annotated[str | None, typer.Option(help=_HOST, show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help=_PORT, show_default=False)] = None,
    workers: Annotated[int | None, typer.Option(min=1, help=_WORKERS, show_default=False)] = None,
) -> None:
    """Answer over HTTP: recommendations, games, histories, events."""
    import uvicorn

    from gamerec.service.access import ApiKeys
    from gamerec.service.logs import log_config
    from gamerec.settings import load_settings

    settings = load_settings()
    ApiKeys(settings.service_api_keys)  # a faulty one is told before any process is started
    count = workers or settings.service_workers
    os.environ["SERVICE_WORKERS"] = str(count)  # the rate limit is shared out among them
    folder = _shared_numbers(settings.cache) if count > 1 else None
    try:
        uvicorn.run(
            "gamerec.service.app:from_environment",
            factory=True,
            host=host or settings.service_host,
            port=settings.service_port if port is None else port,
            workers=count,
            loop="uvloop",
            http="httptools",
            access_log=False,  # the application writes its own, without addresses
            log_config=log_config(settings),
            server_header=False,
        )
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _shared_numbers(cache: Path) -> Path:
    """A folder in which the workers add up what /metrics tells."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cache, prefix="metrics-"))
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    return folder
