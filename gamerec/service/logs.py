"""One JSON object per line on standard error: no addresses, no bodies, no query strings."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from gamerec.redaction import Redactor
from gamerec.settings import Settings


class JsonFormatter(logging.Formatter):
    """A record of Python's logging as one line, without secrets."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._redact = Redactor(settings.secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Level, logger and message; the traceback where there is one."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        if record.exc_info:
            line["traceback"] = self._redact(self.formatException(record.exc_info))
        return orjson.dumps(line).decode()


class AccessLog:
    """A line per request, written at once and without the detours of a logger."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def write(self, line: dict[str, Any]) -> None:
        """Write one line; a stream that is closed or full loses it and nothing else."""
        try:
            (self._stream or sys.stderr).write(orjson.dumps(line).decode() + "\n")
        except (OSError, ValueError):
            return


def log_config(settings: Settings) -> dict[str, Any]:
    """For uvicorn and everything else of this process."""
    handler = {"class": "logging.StreamHandler", "formatter": "json"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter, "settings": settings}},
        "handlers": {"json": handler},
        "root": {"handlers": ["json"], "level": "INFO"},
        "loggers": {"alembic": {"level": "WARNING"}},
    }
