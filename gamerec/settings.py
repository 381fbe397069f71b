"""Settings from the environment and `.env`, as one frozen object built by `load_settings()`.

Secrets have secret types, so that printing the settings shows `**********`. They come from here
only, never from a notebook parameter.
"""

import difflib
import os
import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from gamerec.errors import UsageError

_PACKAGE_PARENT = Path(__file__).resolve().parents[1]
_SECRETS = "/run/secrets"  # where Docker, Compose and Kubernetes put them


def default_home() -> Path:
    """The project folder: GAMEREC_HOME, else the checkout this package lies in, else the cwd."""
    if home := os.environ.get("GAMEREC_HOME"):
        return Path(home).resolve()
    return _PACKAGE_PARENT if (_PACKAGE_PARENT / "notebooks").is_dir() else Path.cwd()


class Settings(BaseSettings):
    """Every setting, by the name of its environment variable in lower case."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    gamerec_home: Path = Field(default_factory=default_home)
    store_url: str = "store"
    database_url: SecretStr = SecretStr("")
    keep_runs: int = Field(default=20, ge=1)
    lock_timeout: float = Field(default=0, ge=0)
    cache_dir: str = "store/cache"  # local, also where the store is not
    fork_kernels: bool = True  # off: an ordinary kernel for every notebook, some seconds slower

    rawg_api_key: SecretStr = SecretStr("")
    rawg_url: str = "https://api.rawg.io/api"
    rawg_timeout: float = Field(default=30, gt=0)
    rawg_attempts: int = Field(default=5, ge=1)

    wandb_api_key: SecretStr = SecretStr("")
    wandb_base_url: str = ""
    wandb_project: str = "gamerec"
    wandb_mode: Literal["auto", "online", "offline", "disabled"] = "auto"
    wandb_timeout: float = Field(default=30, gt=0)

    aws_access_key_id: SecretStr = SecretStr("")
    aws_secret_access_key: SecretStr = SecretStr("")
    aws_session_token: SecretStr = SecretStr("")
    aws_endpoint_url: str = ""
    aws_region: str = "us-east-1"
    s3_encryption: Literal["", "AES256", "aws:kms"] = ""
    s3_kms_key_id: str = ""

    service_host: str = "127.0.0.1"
    service_port: int = Field(default=8000, ge=0, le=65535)
    service_workers: int = Field(default=1, ge=1, le=64)
    service_api_keys: str = ""  # SHA-256 digests, separated by commas; empty: open
    service_cors_origins: str = ""  # separated by commas; empty: none
    service_rate_limit: float = Field(default=0, ge=0)  # requests per second and client; 0: any

    schedule_cron: str = "0 3 * * *"
    schedule_tz: str = ""  # empty: the machine's
    schedule_overlap: Literal["skip", "queue"] = "skip"
    schedule_catch_up: bool = True
    schedule_attempts: int = Field(default=3, ge=1)
    schedule_pause: float = Field(default=60, ge=0)  # doubled for each further attempt
    schedule_limit: float = Field(default=21_600, gt=0)
    schedule_stop: Literal["interrupt", "wait"] = "interrupt"

    notify_urls: SecretStr = SecretStr("")
    notify_on: Literal["always", "failure", "success"] = "always"
    notify_timeout: float = Field(default=20, gt=0)
    reports_url: str = ""

    @property
    def notebooks(self) -> Path:
        """Where the numbered notebooks are: in the project folder, else beside the package."""
        own = self.gamerec_home / "notebooks"
        return own if own.is_dir() else _PACKAGE_PARENT / "notebooks"

    @property
    def reports(self) -> Path:
        """Where runs leave their executed notebooks and HTML."""
        return self.gamerec_home / "reports"

    @property
    def store_uri(self) -> str:
        """The store as an absolute URI or path; a relative folder counts from the project."""
        if "://" in self.store_url:
            return self.store_url
        return str((self.gamerec_home / self.store_url).resolve())

    @property
    def cache(self) -> Path:
        """Where this machine keeps what can be made again; a relative path counts from home."""
        return (self.gamerec_home / self.cache_dir).resolve()

    @property
    def secrets(self) -> list[str]:
        """The secret values that are set, and addresses with a password in them, for redaction."""
        values = [getattr(self, name) for name in type(self).model_fields]
        found = [v.get_secret_value() for v in values if isinstance(v, SecretStr)]
        apart = re.split(r"[\s,]+", self.notify_urls.get_secret_value())
        urls = [v for v in values if isinstance(v, str) and re.search("://[^/]*@", v)]
        return [value for value in (*found, *apart, *urls) if value]


def load_settings(home: Path | None = None) -> Settings:
    """Read the environment, `<home>/.env` and files of secrets; the first that has it wins.

    A file such as /run/secrets/database_url holds one setting; SECRETS_DIR names another folder.
    Raises UsageError that names the faulty setting, with the nearest right name for an unknown one.
    """
    home = home or default_home()
    folder = Path(os.environ.get("SECRETS_DIR") or _SECRETS)
    sources = {"_env_file": home / ".env", "_secrets_dir": folder if folder.is_dir() else None}
    try:
        return Settings(gamerec_home=home, **sources)  # type: ignore[arg-type]
    except SettingsError as error:  # it names the field; the cause might hold a part of the value
        cause = type(error.__cause__).__name__
        raise UsageError(f"a file in {folder} cannot be read ({cause}): {error}") from None
    except ValidationError as error:
        raise UsageError("; ".join(_explain(fault) for fault in error.errors())) from None


def _explain(fault: ErrorDetails) -> str:
    name = str(fault["loc"][0])
    if fault["type"] != "extra_forbidden":
        return f"setting {name.upper()}: {fault['msg']}"
    near = difflib.get_close_matches(name, Settings.model_fields, n=1)
    hint = f"; did you mean {near[0].upper()}?" if near else ""
    return f"unknown setting {name.upper()} in .env{hint}"
