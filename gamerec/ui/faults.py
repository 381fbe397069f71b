"""What a visitor is told of a fault: its kind and an id, under which the log has the traceback.

No secret reaches the log, and nothing of a fault that we did not foresee reaches the browser.
"""

import logging
import os
import secrets
import traceback
from logging.handlers import RotatingFileHandler
from typing import Any

from gamerec.errors import GamerecError, UsageError
from gamerec.redaction import Redactor
from gamerec.serving.answers import NoModel, NotFound

LOG_FILE = "GAMEREC_PAGE_LOG"  # set by the server of the page: its kernels have no terminal
_LARGEST = 2_000_000  # bytes, twice

_log = logging.getLogger(__name__)


def fault(error: Exception, redact: Redactor) -> dict[str, Any]:
    """A fault as the page shows it: {'fault': kind, 'error_id': ..., 'message': ...}."""
    if isinstance(error, NoModel):
        return {"fault": "no_model", "error_id": "", "message": ""}
    if isinstance(error, UsageError | NotFound):
        return {"fault": "usage", "error_id": "", "message": redact(str(error))}
    error_id = secrets.token_hex(4)
    text = str(error) if isinstance(error, GamerecError) else traceback.format_exc()
    _logger().error("error %s: %s", error_id, redact(text))
    return {"fault": "error", "error_id": error_id, "message": ""}


def _logger() -> logging.Logger:
    path = os.environ.get(LOG_FILE)
    if path and not _log.handlers:
        handler = RotatingFileHandler(path, maxBytes=_LARGEST, backupCount=1, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        _log.addHandler(handler)
        _log.propagate = False  # standard error of a kernel goes nowhere, or into the page
    return _log
