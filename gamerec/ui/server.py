"""The server of the page: Voilà with our template, our kernels, and nothing from another host.

Everything that a first visitor would wait for is done before the page is announced: libraries are
imported in the fork server, the model is laid out on the disk, and the page has been opened once.
"""

import logging
import os
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.filters import strip_ansi
from traitlets.config import Config

from gamerec.errors import DataError, UsageError
from gamerec.kernels.fork import ForkServer
from gamerec.kernels.pool import CAN_FORK
from gamerec.redaction import Redactor
from gamerec.settings import Settings
from gamerec.ui.assets import JUPYTER, MODULES, PAGE
from gamerec.ui.faults import LOG_FILE
from gamerec.ui.preload import READY_FILE

if TYPE_CHECKING:
    from voila.app import Voila  # type: ignore[import-untyped]

NOTEBOOK = "recommender.ipynb"
_WARM_SECONDS = 120

# The browser itself holds the page to its own host.
_ONLY_HERE = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'self'"
)

_log = logging.getLogger(__name__)


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    patience: float,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the page until interrupted; `ready` is called with its address when it is warm.

    patience: seconds until a page that vanished loses its kernel. Raises DataError where the
    notebook is missing, UsageError for an address that cannot be listened on.
    """
    notebook = settings.notebooks / NOTEBOOK
    if not notebook.is_file():
        raise DataError(f"{notebook} is missing: it is part of the project")
    _set_environment(settings)
    fork = CAN_FORK and settings.fork_kernels
    with _fork_server() if fork else _none() as forks:
        from voila.app import Voila  # 1 s, in which the fork server imports too

        from gamerec.ui.kernels import PageKernels

        PageKernels.forks, PageKernels.patience = forks, patience
        app = Voila(
            config=configuration(settings, host, port, fork=fork), notebook_path=str(notebook)
        )
        # Jupyter counts these in ms, which Tornado takes for seconds and finds the wrong way round
        logging.getLogger("tornado.general").addFilter(
            lambda r: "ping_timeout" not in r.getMessage()
        )
        app.initialize([])
        app.static_paths.insert(0, str(PAGE))
        warming = threading.Thread(target=_announce, args=(app, forks, ready), daemon=True)
        warming.start()
        try:
            app.start()
        except SystemExit:
            raise UsageError(f"port {port} of {host} is taken: choose another by --port") from None


def configuration(settings: Settings, host: str, port: int, *, fork: bool) -> Config:
    """Voilà's settings: one notebook, one template, no traceback for strangers."""
    config = Config()
    config.Voila.ip, config.Voila.port, config.Voila.port_retries = host, port, 0
    config.Voila.open_browser = False
    config.Voila.log_level = logging.ERROR  # it warns of each page that its notebook is not signed
    config.Voila.tornado_settings = {
        "headers": {"Content-Security-Policy": _ONLY_HERE},
        "static_path": str(PAGE),  # its page for 404 asks for it
        "ws_ping_interval": 30_000,  # ms
        "ws_ping_timeout": 90_000,  # ms without an answer; equal to the interval it cuts off pages
    }
    config.VoilaConfiguration.template = "gamerec"
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.allow_theme_override = "NO"
    config.VoilaConfiguration.file_allowlist = []
    config.VoilaConfiguration.show_tracebacks = True  # to our template, which shows none
    config.VoilaConfiguration.extension_allowlist = ["none"]  # JupyterLab's, of no use here
    config.VoilaConfiguration.multi_kernel_manager_class = "gamerec.ui.kernels.PageKernels"
    config.VoilaConfiguration.resources = {
        "page_modules": [*MODULES, "host"],
        "page_failed": partial(_page_failed, Redactor(settings.secrets)),
    }
    config.KernelManager.autorestart = False  # the page asks for another one
    if fork:
        config.KernelManager.transport = "ipc"
    return config


def _set_environment(settings: Settings) -> None:
    """What Voilà and the kernels read: where the template is, which project this is."""
    paths = [str(JUPYTER), os.environ.get("JUPYTER_PATH", "")]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, paths))
    os.environ["GAMEREC_HOME"] = str(settings.gamerec_home)
    settings.reports.mkdir(parents=True, exist_ok=True)
    os.environ[LOG_FILE] = str(settings.reports / "page.log")


def _page_failed(redact: Redactor, kernel_id: str, error: Mapping[str, Any]) -> str:
    """Log what a cell of the page raised; returns the id that the visitor is told of it.

    Called by the template, with the `error` output of the cell.
    """
    error_id = kernel_id[:8]
    said = strip_ansi("\n".join(error["traceback"]))
    _log.error("error %s: a cell of the page failed\n%s", error_id, redact(said))
    return error_id


def _announce(app: "Voila", forks: ForkServer | None, ready: Callable[[str], None]) -> None:
    """Open the page once, as a visitor would, then say that it is there."""
    deadline = time.monotonic() + _WARM_SECONDS
    if forks is not None:
        while not (forks.folder / READY_FILE).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    host = "127.0.0.1" if app.ip in ("", "0.0.0.0") else app.ip
    address = f"http://{host}:{app.port}{app.base_url}"
    # `ioloop` is there once it listens: before, another server may answer at this port
    while not (hasattr(app, "ioloop") and _opens(address)) and time.monotonic() < deadline:
        time.sleep(0.1)
    ready(address)


def _opens(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=_WARM_SECONDS) as answer:
            answer.read()
    except OSError:
        return False
    return True


@contextmanager
def _fork_server() -> Iterator[ForkServer]:
    folder = Path(tempfile.mkdtemp(prefix="gamerec-page-"))
    environment = os.environ | {"GAMEREC_PAGE_READY": str(folder / READY_FILE)}
    server = ForkServer(folder, environment, ["gamerec.ui", "gamerec.ui.preload"])
    try:
        yield server
    finally:
        server.close(grace=0)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _none() -> Iterator[None]:
    yield None
