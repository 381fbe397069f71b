"""`Track`: one W&B run, recorded in a thread of its own, online or else offline."""

import atexit
import importlib
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from gamerec.errors import GamerecError
from gamerec.redaction import Redactor
from gamerec.settings import Settings
from gamerec.storage import FolderStore, Store, open_store
from gamerec.tracking.offline import COMPLETE

if TYPE_CHECKING:  # whoever hands a table over has imported it
    import pandas as pd

    from gamerec.registry import Registry

logger = logging.getLogger(__name__)

_FALLBACK_SHARE = 0.8  # of the time-out may pass online before the run is written offline instead
_TEARDOWN = threading.Lock()  # wandb keeps one service per process
_TABLE_ROWS = 1_000
_ABOUT_MODEL = ("version", "run_id", "model", "params", "data_hash", "code_commit", "created_at")


class _Call(NamedTuple):
    method: str
    args: tuple[Any, ...]


def start(settings: Settings, stage: str, run_id: str, config: Mapping[str, Any]) -> "Track":
    """Begin to record one stage of a run; use it as a context manager.

    `with tracking.start(settings, "train", run.id, {"epochs": 10}) as track: track.log(...)`. The
    W&B run is named `train-0001` and so on, grouped by `run_id`, of job type `stage`. Nothing here
    raises for a fault of W&B.
    """
    return Track(settings, stage, run_id, config)


def preload() -> None:
    """Import what a run imports, starting nothing: for a process that kernels are forked from."""
    for module in ("wandb", "wandb.sdk.launch", "wandb.data_types", "yaml"):
        importlib.import_module(module)  # the last three are what wandb.init and log import late


class Track:
    """One W&B run being recorded: `log`, `table`, `summary` and `artifact` return at once.

    After the context has been left, `status` is 'online', 'offline', 'disabled' or 'failed', `name`
    the run's name and `folder` where its files are.
    """

    def __init__(
        self, settings: Settings, stage: str, run_id: str, config: Mapping[str, Any]
    ) -> None:
        self.name = ""
        self.folder = ""
        self.status = "disabled"
        self._settings = settings
        self._stage = stage
        self._run_id = run_id
        self._redact = Redactor(settings.secrets)
        self._config = self._redact.tree(dict(config))
        self._calls: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self._past: list[_Call] = []  # what the present W&B run has been given, for a replay
        self._closed = False
        self._thread: threading.Thread | None = None
        if settings.wandb_mode != "disabled":
            self.status = "failed"  # until the thread has finished
            self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
            self._thread.start()
            self._close_at_exit()

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Values of one step (an epoch): `track.log({"recall@10": 0.31}, step=3)`."""
        self._put("log", values, step)

    def table(self, name: str, frame: "pd.DataFrame") -> None:
        """A table, its first 1,000 rows."""
        self._put("table", name, frame)

    def summary(self, values: Mapping[str, Any]) -> None:
        """Final values, shown in the W&B list of runs."""
        self._put("summary", values)

    def artifact(
        self,
        name: str,
        files: Mapping[str, bytes],
        *,
        kind: str = "model",
        aliases: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """A versioned W&B artifact of `files` (name to bytes), with aliases like 'production'."""
        self._put("artifact", name, files, kind, list(aliases), metadata or {})

    def models(self, registry: "Registry", versions: Iterable[str] = ()) -> None:
        """Model versions as versions of the W&B artifact 'model', by default all with a channel.

        Each has its name and its channels as aliases, so that they stand in W&B as here. The same
        files logged again are no new version there, they only get the aliases.
        """
        if self._thread is None:
            return
        try:
            channels = registry.channels()
            for version in dict.fromkeys(versions or channels.values()):
                files, info = registry.verify(version), registry.info(version)
                aliases = [version, *(c for c, pointed in channels.items() if pointed == version)]
                about = {name: info[name] for name in _ABOUT_MODEL}
                contents = {name: files.read(name) for name in files.keys()}  # noqa: SIM118
                self.artifact("model", contents, aliases=aliases, metadata=about)
        except GamerecError as error:  # a damaged or distant version is no reason to fail here
            self._warn("W&B does not get the model", error)

    def __enter__(self) -> "Track":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(exit_code=0 if kind is None else 1)

    def close(self, exit_code: int = 0) -> None:
        """Finish the W&B run; waits for `settings.wandb_timeout` seconds at most."""
        if self._closed or self._thread is None:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._calls.put(_Call("finish", (exit_code,)))
        deadline = time.monotonic() + self._settings.wandb_timeout
        self._thread.join(self._settings.wandb_timeout * _FALLBACK_SHARE)
        if self._thread.is_alive():
            _kill_services()  # its blocked call fails now, and the thread goes on offline
            self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            logger.warning("W&B did not finish within its time-out; run %s is cut", self.name)

    def _close_at_exit(self) -> None:
        """A notebook that fails never comes to its `close`; its kernel's exit does.

        The first finalizer ever made registers the exit handler that removes temporary folders, and
        wandb's service starts in one: that handler has to be there before ours, to run after it.
        """
        weakref.finalize(self, int).detach()
        atexit.unregister(self.close)
        if not self._closed:
            atexit.register(self.close, 1)

    def _put(self, method: str, *args: Any) -> None:
        """Queue a call with copies of its arguments, which the caller may go on to change."""
        if self._thread is None or self._closed:
            return
        try:
            self._calls.put(_Call(method, tuple(self._copy(value) for value in args)))
        except (TypeError, ValueError, AttributeError) as error:
            self._warn(f"W&B cannot hold what {method}() was given", error)

    def _copy(self, value: Any) -> Any:
        """The value without secrets; of a table its first rows, in numbers and text."""
        import pandas as pd

        if isinstance(value, Mapping):
            return self._redact.tree(dict(value))
        if not isinstance(value, pd.DataFrame):
            return self._redact.tree(value)
        head = value.head(_TABLE_ROWS).copy()
        for name, dtype in head.dtypes.items():
            if dtype.kind not in "biuf":
                head[name] = [self._text(cell) for cell in head[name]]
        return head

    def _text(self, cell: Any) -> str | None:
        import pandas as pd

        missing = pd.api.types.is_scalar(cell) and pd.isna(cell)
        return None if missing else self._redact(str(cell))

    def _work(self) -> None:
        try:
            self.name = _next_name(self._settings, self._stage, self._run_id)
            if not (wants_online(self._settings) and self._played("online")):
                self._played("offline")
        except Exception as error:  # whatever W&B does, the stage goes on
            self._warn("W&B could not be set up", error)

    def _played(self, mode: str) -> bool:
        """Make the W&B run in this mode and play all calls to it until 'finish'; True if done."""
        try:
            wandb_run = _open(self._settings, mode, self.name, self._stage, self._run_id)
            self._close_at_exit()  # again, to come before the exit handler of wandb
            self.folder = str(Path(wandb_run.dir).parent)
            wandb_run.config.update(self._config, allow_val_change=True)
            for call in self._past:
                self._apply(wandb_run, call)
            while not self._past or self._past[-1].method != "finish":
                self._past.append(self._calls.get())
                self._apply(wandb_run, self._past[-1])
        except Exception as error:
            self._warn(f"W&B run {self.name} could not be recorded {mode}", error)
            return False
        finally:
            _teardown()
        if mode == "offline":
            (Path(self.folder) / COMPLETE).touch()
        self.status = mode
        return True

    def _apply(self, wandb_run: Any, call: _Call) -> None:
        try:
            _apply(wandb_run, call)
        except (TypeError, ValueError) as error:  # a value W&B cannot hold: the others still can
            self._warn(f"W&B cannot hold what {call.method}() was given", error)

    def _warn(self, what: str, error: Exception) -> None:
        cause = self._redact(f"{type(error).__name__}: {error}")
        logger.warning("%s (%s)", what, cause.splitlines()[0])


def wants_online(settings: Settings) -> bool:
    """Whether runs are meant for W&B's server: there is a key, and they are not kept from it."""
    if settings.wandb_mode == "online" and not settings.wandb_api_key.get_secret_value():
        logger.warning("WANDB_MODE=online needs WANDB_API_KEY; the run is recorded offline")
    return settings.wandb_mode in ("auto", "online") and bool(
        settings.wandb_api_key.get_secret_value()
    )


def _open(settings: Settings, mode: str, name: str, stage: str, run_id: str) -> Any:
    import wandb
    from wandb.analytics.opentelemetry import opentelemetry_proxy

    # W&B's own telemetry would keep threads, and hold up the exit where its server is silent.
    opentelemetry_proxy.disable()
    _point_to(settings.gamerec_home / "store")
    options = _options(settings, mode)
    wandb.setup(wandb.Settings(**options))
    return wandb.init(
        project=settings.wandb_project,
        name=name,
        group=run_id,
        job_type=stage,
        reinit="create_new",
        settings=wandb.Settings(**options),
    )


def _options(settings: Settings, mode: str) -> dict[str, Any]:
    """W&B settings: quiet, nothing about the machine, bounded waits; the key stays in memory."""
    patience = settings.wandb_timeout * _FALLBACK_SHARE
    options: dict[str, Any] = {
        "mode": mode,
        "silent": True,
        "quiet": True,
        "console": "off",
        "disable_git": True,
        "disable_code": True,
        "save_code": False,
        "disable_job_creation": True,
        "x_disable_meta": True,
        "x_disable_stats": True,
        "x_disable_machine_info": True,
        "x_save_requirements": False,
        "init_timeout": patience / 2,
        "login_timeout": patience / 2,
    }
    if settings.wandb_base_url:
        options["base_url"] = settings.wandb_base_url
    if mode == "online":
        options["api_key"] = settings.wandb_api_key.get_secret_value()
    return options


def _point_to(folder: Path) -> None:
    """Have W&B keep all its files below `<home>/store/wandb`, nothing in the user's home."""
    folder.mkdir(parents=True, exist_ok=True)
    places = {"WANDB_DIR": folder}
    for kind in ("data", "cache", "config"):
        places[f"WANDB_{kind.upper()}_DIR"] = folder / "wandb" / kind
    os.environ.update({name: str(place) for name, place in places.items()})


def _apply(wandb_run: Any, call: _Call) -> None:
    """Play one call to a W&B run; the first argument orders match `Track`'s methods."""
    import wandb

    match call:
        case _Call("log", (values, step)):
            wandb_run.log(values, step=step)
        case _Call("table", (name, frame)):
            wandb_run.log({name: wandb.Table(dataframe=frame)})
        case _Call("summary", (values,)):
            wandb_run.summary.update(values)
        case _Call("artifact", (name, files, kind, aliases, metadata)):
            artifact = wandb.Artifact(name, type=kind, metadata=metadata)
            for file_name, data in files.items():
                with artifact.new_file(file_name, mode="wb") as file:
                    file.write(data)
            wandb_run.log_artifact(artifact, aliases=aliases)
        case _Call("finish", (exit_code,)):
            wandb_run.finish(exit_code=exit_code)


def _next_name(settings: Settings, stage: str, run_id: str) -> str:
    """'train-0001' and so on, given out by the store; one by the run where the store is down."""
    try:
        return _claim_name(open_store(settings.store_uri, settings), stage, run_id)
    except Exception:
        return f"{stage}-{run_id}"


def _claim_name(store: Store | FolderStore, stage: str, run_id: str) -> str:
    taken = [key for key in store.keys(f"tracking/{stage}-") if key.endswith(".txt")]
    number = max((int(key[-8:-4]) for key in taken), default=0)
    while True:
        number += 1
        name = f"{stage}-{number:04d}"
        if store.create(f"tracking/{name}.txt", f"{run_id}\n".encode()):
            return name


def _teardown() -> None:
    """End wandb's service process, so that none is left when the kernel exits."""
    import wandb

    with _TEARDOWN:
        try:
            wandb.teardown()
        except (Exception, SystemExit) as error:
            logger.debug("W&B teardown: %s", type(error).__name__)


def _kill_services() -> None:
    import psutil  # type: ignore[import-untyped]

    for child in psutil.Process().children():
        if child.name().startswith("wandb-core"):
            child.kill()
