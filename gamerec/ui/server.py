"""The server of the page: Voilà with our template, our kernels, and nothing from another host."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from traitlets.config import Config

from gamerec.errors import DataError
from gamerec.kernels.fork import ForkServer
from gamerec.kernels.pool import CAN_FORK
from gamerec.kernels.preload import modules_of
from gamerec.settings import Settings
from gamerec.ui.assets import MODULES, PAGE

NOTEBOOK = "recommender.ipynb"

# The browser itself holds the page to its own host.
_ONLY_HERE = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' blob: data:; connect-src 'self' ws: wss:; frame-ancestors 'self'"
)
_JUPYTER = Path(__file__).parent / "share" / "jupyter"


def serve(
    settings: Settings, *, ip: str, port: int, patience: float, open_browser: bool = False
) -> None:
    """Serve the page until interrupted. Raises DataError without notebook, UsageError for a port
    that is taken.
    """
    notebook = settings.notebooks / NOTEBOOK
    if not notebook.is_file():
        raise DataError(f"{notebook} is missing: it is part of the project")
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        [str(_JUPYTER), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    )
    os.environ["GAMEREC_HOME"] = str(settings.gamerec_home)
    fork = CAN_FORK and settings.fork_kernels
    with _fork_server(notebook) if fork else _none() as forks:
        from voila.app import Voila  # 1 s, in which the fork server imports too

        from gamerec.ui.kernels import PageKernels

        PageKernels.forks, PageKernels.patience = forks, patience
        app = Voila(config=configuration(ip, port, fork=fork), notebook_path=str(notebook))
        app.open_browser = open_browser
        app.initialize([])
        app.static_paths.insert(0, str(PAGE))
        app.start()


def configuration(ip: str, port: int, *, fork: bool) -> Config:
    """Voilà's settings: one notebook, one template, no traceback for strangers."""
    config = Config()
    config.Voila.ip, config.Voila.port, config.Voila.port_retries = ip, port, 0
    config.VoilaConfiguration.template = "gamerec"
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.allow_theme_override = "NO"
    config.VoilaConfiguration.file_allowlist = []
    config.VoilaConfiguration.show_tracebacks = False
    config.VoilaConfiguration.multi_kernel_manager_class = "gamerec.ui.kernels.PageKernels"
    config.VoilaConfiguration.extension_allowlist = ["none"]  # JupyterLab's, of no use here
    config.VoilaConfiguration.resources = {"page_modules": [*MODULES, "host"]}
    config.Voila.tornado_settings = {"headers": {"Content-Security-Policy": _ONLY_HERE}}
    config.KernelManager.autorestart = False  # the state of a page is lost with its kernel
    if fork:
        config.KernelManager.transport = "ipc"
    return config


@contextmanager
def _fork_server(notebook: Path) -> Iterator[ForkServer]:
    folder = Path(tempfile.mkdtemp(prefix="gamerec-page-"))
    server = ForkServer(folder, os.environ, [*modules_of([notebook]), "gamerec.ui.preload"])
    try:
        yield server
    finally:
        server.close(grace=0)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _none() -> Iterator[None]:
    yield None
