"""The type of ``torch.__version__``: a string that is ordered as a version."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .version import __version__ as _internal_version

__all__ = ["TorchVersion"]

_VERSION = re.compile(
    r"""\s*v?(?:(?P<epoch>\d+)!)?
    (?P<release>\d+(?:\.\d+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>\d*))?
    (?P<post>-(?P<post_implicit>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n>\d*))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_n>\d*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_PRE_RANK = {"alpha": 0, "a": 0, "beta": 1, "b": 1, "preview": 2, "pre": 2, "c": 2, "rc": 2}
_LOWEST, _HIGHEST = (-1,), (9,)


def _key(version: str) -> tuple[Any, ...] | None:
    """The sorting key of a version by PEP 440; None where the text is no version."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    release = [int(part) for part in match["release"].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    post = int(match["post_implicit"] or match["post_n"] or 0) if match["post"] else None
    dev = int(match["dev_n"] or 0) if match["dev"] else None
    pre: tuple[int, ...]
    if match["pre"]:
        pre = (_PRE_RANK[match["pre"].lower()], int(match["pre_n"] or 0))
    else:
        pre = _LOWEST if post is None and dev is not None else _HIGHEST
    local: tuple[Any, ...] = ()
    if match["local"]:
        parts = re.split(r"[-_.]", match["local"].lower())
        local = tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)
    return (
        int(match["epoch"] or 0),
        tuple(release),
        pre,
        _LOWEST if post is None else (post,),
        _HIGHEST * 2 if dev is None else (0, dev),
        local,
    )


def _text(other: Any) -> str | None:
    """What a comparison's other side says as a version string; None where it is nothing of the kind."""
    if isinstance(other, str):
        return other
    if type(other).__name__ == "Version" and hasattr(other, "release"):
        return str(other)
    if isinstance(other, Iterable):
        return ".".join(str(part) for part in other)
    return None


class TorchVersion(str):
    """A version string that compares as a version with strings, tuples and ``packaging.version.Version``.

    ``TorchVersion("2.13.0") >= (2, 13)`` and ``TorchVersion("1.10.0a") < "1.10.0"`` hold. Where one side is no
    version, two strings compare as text.
    """

    def _compare(self, other: Any, method: str) -> bool:
        text = _text(other)
        if text is None:
            return NotImplemented
        mine, theirs = _key(str(self)), _key(text)
        if mine is None or theirs is None:
            return bool(getattr(str, method)(self, other)) if isinstance(other, str) else NotImplemented
        return bool(getattr(mine, method)(theirs))

    def __lt__(self, other: Any) -> bool:
        return self._compare(other, "__lt__")

    def __le__(self, other: Any) -> bool:
        return self._compare(other, "__le__")

    def __eq__(self, other: object) -> bool:
        return self._compare(other, "__eq__")

    def __gt__(self, other: Any) -> bool:
        return self._compare(other, "__gt__")

    def __ge__(self, other: Any) -> bool:
        return self._compare(other, "__ge__")

    __hash__ = str.__hash__


__version__ = TorchVersion(_internal_version)
