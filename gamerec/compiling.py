"""numba's `njit` with a cache that can be trusted: what is damaged is compiled again.

numba keeps compiled code beside the sources and believes what it finds there: a file that was cut
off by a full disk or a power cut ends the program, and altered code is run. Here every file of code
begins with its SHA-256, and a cache that cannot be read or written is as good as none.
"""

import hashlib
import logging
import pickle
from collections.abc import Callable
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

logger = logging.getLogger(__name__)

_SUM = hashlib.sha256().digest_size


def njit(*, cache: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator as `numba.njit(cache=..., **options)`, with the cache of this module."""

    def compile_at_first_call(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(**options)(function)
        if cache and hasattr(dispatcher, "enable_caching"):  # else NUMBA_DISABLE_JIT is set
            try:
                dispatcher._cache = _Cache(function)
            except RuntimeError as error:  # no folder that could be written to
                logger.debug("not cached: %s", error)
        return dispatcher

    return compile_at_first_call


class _File(IndexDataCacheFile):
    """Index and code of one function; a fault of either reads as nothing kept."""

    def _load_index(self) -> dict[Any, str]:
        try:
            return dict(super()._load_index())
        except Exception as error:  # whatever a damaged pickle raises
            logger.debug("the index %s is damaged: %s", self._index_path, error)
            return {}

    def _load_data(self, name: str) -> Any:
        with open(self._data_path(name), "rb") as file:  # noqa: PTH123  (numba has a text)
            expected, code = file.read(_SUM), file.read()
        if hashlib.sha256(code).digest() != expected:
            raise OSError(f"{name} is damaged")  # numba takes it for a file that is gone
        return pickle.loads(code)  # noqa: S301  (of numba's own making, as its sum says)

    def _save_data(self, name: str, data: Any) -> None:
        code = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(code).digest() + code)


class _Cache(FunctionCache):
    """The cache of one function, on a `_File`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        plain = self._cache_file
        base = plain._index_name.removesuffix(".nbi")
        self._cache_file = _File(plain._cache_path, base, plain._source_stamp)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep compiled code, where that is possible."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            logger.debug("compiled code could not be kept: %s", error)
