"""`S3Store`: a bucket, or a prefix in one, as a store.

Every object carries its SHA-256 as metadata and is checked against it on read, whatever its size.
boto3 repeats a refused request, and reads are repeated here when the body breaks off. This module
knows nothing of what the objects are.
"""

import hashlib
import io
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar
from urllib.parse import urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from urllib3.exceptions import HTTPError

from gamerec.errors import DataError, ServiceError, UsageError
from gamerec.settings import Settings
from gamerec.storage import MissingKey, Store, checked_key

Result = TypeVar("Result")

_PART = 8 << 20  # bytes; larger objects go in parts, and a broken part is sent again alone
_ATTEMPTS = 6
_PATIENT: dict[str, Any] = {
    "retries": {"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    "connect_timeout": 5,
    "read_timeout": 30,
}
_QUICK: dict[str, Any] = {
    "retries": {"total_max_attempts": 1, "mode": "standard"},
    "connect_timeout": 3,
    "read_timeout": 5,
}
_BATCH = 1_000  # keys that one DeleteObjects takes
_GONE = {"NoSuchKey", "404", "NotFound"}
_EXISTS = {"PreconditionFailed", "412"}
_RACE = {"ConditionalRequestConflict", "409"}


class Unreachable(ServiceError):
    """S3 did not answer, or answered that it cannot now (5xx): another time it may."""


class _Exists(Exception):
    """There is such an object already."""


class _Again(Exception):
    """Worth another try."""


class _Altered(_Again):
    """The body does not have the checksum it was written with."""


class S3Store(Store):
    """The objects below `prefix` of a bucket.

    client: a boto3 S3 client. write_options: further arguments of every write, as for encryption.
    secrets: strings that no error message may hold. quick: makes a client that does not wait.
    """

    def __init__(
        self,
        client: Any,
        bucket: str,
        prefix: str = "",
        *,
        write_options: dict[str, str] | None = None,
        secrets: list[str] | None = None,
        quick: Callable[[], Any] | None = None,
    ) -> None:
        self.client = client
        self.bucket = bucket
        self.prefix = f"{checked_key(prefix.strip('/'))}/" if prefix.strip("/") else ""
        self.uri = f"s3://{bucket}/{self.prefix}".rstrip("/")
        self._write_options = write_options or {}
        self._secrets = secrets or []
        self._quick = quick or (lambda: client)

    def read(self, key: str) -> bytes:
        return self._call("read", key, lambda: _repeated(lambda: self._get(key)))

    def write(self, key: str, data: bytes) -> None:
        if len(data) < _PART:
            arguments = self._where(key) | self._options(_sha256(io.BytesIO(data)))
            self._call("write", key, lambda: self.client.put_object(Body=data, **arguments))
        else:
            self._send(key, io.BytesIO(data))

    def create(self, key: str, data: bytes) -> bool:
        token = uuid.uuid4().hex
        try:
            self._call("create", key, lambda: _repeated(lambda: self._put_new(key, data, token)))
        except _Exists:
            # A repeated request may have met the object that the first one, unanswered, had made.
            return self._head(key)["Metadata"].get("creator") == token
        return True

    def digest(self, key: str) -> str:
        return self._head(key)["Metadata"].get("sha256") or super().digest(key)

    def upload(self, key: str, source: Path) -> None:
        with source.open("rb") as file:
            self._send(key, file)

    def keys(self, prefix: str = "") -> list[str]:
        where = {"Bucket": self.bucket, "Prefix": self.prefix + prefix}
        pages = self.client.get_paginator("list_objects_v2").paginate(**where)
        found = self._call(
            "list", prefix, lambda: [o["Key"] for o in pages.search("Contents[]") if o]
        )
        return sorted(key.removeprefix(self.prefix) for key in found)

    def delete(self, key: str) -> None:
        where = self._where(key)
        self._call("delete", key, lambda: self.client.delete_object(**where))

    def delete_tree(self, prefix: str) -> None:
        keys = [{"Key": self.prefix + key} for key in self.keys(f"{checked_key(prefix)}/")]
        for start in range(0, len(keys), _BATCH):
            self._drop(prefix, keys[start : start + _BATCH])

    def exists(self, key: str) -> bool:
        try:
            self._head(key)
        except MissingKey:
            return False
        return True

    def at(self, prefix: str) -> "S3Store":
        return S3Store(
            self.client,
            self.bucket,
            self.prefix + prefix,
            write_options=self._write_options,
            secrets=self._secrets,
            quick=self._quick,
        )

    def silence(self) -> str:
        """Why S3 does not answer, asked once and quickly, or '' where it does, be it to refuse."""
        quick = self._quick()
        try:
            self._call("look into", "", lambda: quick.head_bucket(Bucket=self.bucket))
        except Unreachable as error:
            return str(error)
        except (MissingKey, ServiceError):
            pass
        return ""

    def _where(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.prefix + checked_key(key)}

    def _options(self, digest: str) -> dict[str, Any]:
        return {"Metadata": {"sha256": digest}, **self._write_options}

    def _get(self, key: str) -> bytes:
        try:
            answer = self.client.get_object(**self._where(key))
        except HTTPError as error:  # within the body of a refusal, where botocore does not repeat
            raise _Again(f"the answer broke off: {error}") from error
        try:
            data = answer["Body"].read()
        except (BotoCoreError, HTTPError, OSError) as error:
            raise _Again(f"the body broke off: {error}") from error
        expected = answer["Metadata"].get("sha256")
        if expected and _sha256(io.BytesIO(data)) != expected:
            raise _Altered("its checksum is not the one it was written with")
        return data

    def _head(self, key: str) -> dict[str, Any]:
        where = self._where(key)
        return self._call("look up", key, lambda: self.client.head_object(**where))

    def _send(self, key: str, source: BinaryIO) -> None:
        options = self._options(_sha256(source))
        source.seek(0)
        parts = TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART)
        where = self._where(key)
        arguments = {"ExtraArgs": options, "Config": parts}
        self._call("write", key, lambda: self.client.upload_fileobj(source, **where, **arguments))

    def _put_new(self, key: str, data: bytes, token: str) -> None:
        arguments = self._where(key) | self._options(_sha256(io.BytesIO(data)))
        arguments["Metadata"]["creator"] = token
        try:
            self.client.put_object(Body=data, IfNoneMatch="*", **arguments)
        except ClientError as error:
            if _code(error) in _EXISTS:
                raise _Exists from None
            if _code(error) in _RACE:
                raise _Again("another client is writing it") from error
            raise

    def _drop(self, prefix: str, keys: list[dict[str, str]]) -> None:
        where = {"Bucket": self.bucket, "Delete": {"Objects": keys}}
        answer = self._call("delete", prefix, lambda: self.client.delete_objects(**where))
        if failed := answer.get("Errors"):
            raise ServiceError(f"{len(failed)} objects below {self.uri} could not be deleted")

    def _call(self, verb: str, key: str, action: Callable[[], Result]) -> Result:
        """The action's result, its errors as ours: what, where, and the cause in S3's words."""
        try:
            return action()
        except _Altered as error:
            raise DataError(f"{self.uri}/{key} is altered: {error}") from None
        except ClientError as error:
            if _code(error) in _GONE:
                raise MissingKey(f"there is no {self.uri}/{key}") from None
            self._refuse(verb, key, error)
        except (_Again, BotoCoreError, HTTPError, OSError) as error:
            self._refuse(verb, key, error)

    def _refuse(self, verb: str, key: str, error: Exception) -> NoReturn:
        cause = str(error)
        clean = cause
        for secret in self._secrets:
            clean = clean.replace(secret, "***")
        message = f"S3 could not {verb} {self.uri}/{key}: {clean}"
        kind = ServiceError if _is_refusal(error) else Unreachable
        raise kind(message) from (error if clean == cause else None)


def open_s3(uri: str, settings: Settings | None = None) -> S3Store:
    """The store at `s3://bucket/prefix`; what `settings` leaves empty boto3 finds by itself."""
    address = urlsplit(uri)
    if not address.netloc or address.query or address.fragment or "@" in address.netloc:
        raise UsageError("an S3 store is given as s3://bucket or s3://bucket/prefix")
    settings = settings or Settings()
    client = boto3.client("s3", **_client_options(settings, _PATIENT))
    encryption: dict[str, str] = {}
    if settings.s3_encryption:
        encryption["ServerSideEncryption"] = settings.s3_encryption
    if settings.s3_kms_key_id:
        encryption["SSEKMSKeyId"] = settings.s3_kms_key_id
    return S3Store(
        client,
        address.netloc,
        address.path,
        write_options=encryption,
        secrets=settings.secrets,
        quick=lambda: boto3.client("s3", **_client_options(settings, _QUICK)),
    )


def _client_options(settings: Settings, waiting: dict[str, Any]) -> dict[str, Any]:
    style = "path" if settings.aws_endpoint_url else "auto"  # own servers seldom have sub-domains
    options: dict[str, Any] = {
        "region_name": settings.aws_region,
        "config": Config(s3={"addressing_style": style}, **waiting),
    }
    secret = {
        "aws_access_key_id": settings.aws_access_key_id,
        "aws_secret_access_key": settings.aws_secret_access_key,
        "aws_session_token": settings.aws_session_token,
    }
    options |= {name: v.get_secret_value() for name, v in secret.items() if v.get_secret_value()}
    if settings.aws_endpoint_url:
        options["endpoint_url"] = settings.aws_endpoint_url
    return options


def _repeated(action: Callable[[], Result]) -> Result:
    """The action, tried again a few times where it asks for that."""
    attempts = Retrying(
        retry=retry_if_exception_type(_Again),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.1, max=5),
        reraise=True,
    )
    return attempts(action)


def _is_refusal(error: Exception) -> bool:
    """Whether S3 has understood and will not: to ask again is of no use."""
    if not isinstance(error, ClientError):
        return False
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return 400 <= status < 500 and status not in (408, 429)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _sha256(source: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
