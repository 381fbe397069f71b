"""Secrets out of text and notebooks, before anything is printed or kept.

The first defence is that no secret is ever written; this is the second, for the traceback of a
library that puts a whole URL into its message.
"""

import html
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "***"

# Anything shorter would also be found in innocent words; a short password is masked in its URL.
_SHORTEST = 6


class Redactor:
    """Replaces the given secrets, in each spelling that text, JSON, HTML and URLs give them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {s for secret in secrets for part in _parts(secret) for s in _spellings(part)}
        self._spellings = sorted(spellings, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text with every secret masked."""
        for spelling in self._spellings:
            text = text.replace(spelling, MASK)
        return text

    def finds(self, value: Any) -> bool:
        """Whether a parameter, which may be a list or a mapping, holds a secret."""
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        return self(text) != text

    def tree(self, value: Any) -> Any:
        """A copy of nested lists and mappings with every text masked, keys and pictures apart."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {
                key: item if key.startswith("image/") else self.tree(item)
                for key, item in value.items()
            }
        return [self.tree(item) for item in value] if isinstance(value, list) else value


def _parts(secret: str) -> Iterable[str]:
    """The secret itself, and the password of one that is a URL."""
    if len(secret) >= _SHORTEST:
        yield secret
    if "://" not in secret:
        return
    credentials = urlsplit(secret).netloc.rpartition("@")[0]
    password = credentials.partition(":")[2]
    if password:
        yield f"{credentials}@"
        for spelling in (password, unquote(password)):
            if len(spelling) >= _SHORTEST:
                yield spelling


def _spellings(text: str) -> Iterable[str]:
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield html.escape(text)
    yield quote(text, safe="")
    yield quote_plus(text)
