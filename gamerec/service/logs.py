"""One JSON object per line on standard error: no addresses, no bodies, no query strings."""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from gamerec.redaction import Redactor
from gamerec.settings import Settings

_DELAY = 0.1  # seconds


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
    """A line per request, written some at a time: one by one they would cost more than an answer.

    Lines are written `_DELAY` seconds after the first of them, in the order of the requests.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lines: list[dict[str, Any]] = []

    def write(self, line: dict[str, Any]) -> None:
        """Take a line, `at` in seconds since 1970; called in the event loop."""
        if not self._lines:
            asyncio.get_running_loop().call_later(_DELAY, self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        """Write what there is; a stream that is closed or full loses it and nothing else."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        stream = self._stream or sys.stderr
        try:
            stream.write("".join(map(_line, lines)))
            stream.flush()
        except (OSError, ValueError):
            return


def _line(values: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(values["at"], UTC).isoformat(timespec="milliseconds")
    return orjson.dumps(values | {"at": at}).decode() + "\n"


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
