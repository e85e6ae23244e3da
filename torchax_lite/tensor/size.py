"""``torch.Size``: a tuple of ints that names itself."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, SupportsIndex, overload

from .public_type import PublicType


class Size(tuple[int, ...], metaclass=PublicType):
    """Shape of a tensor; slices and sums of sizes are sizes."""

    __slots__ = ()

    def __new__(cls, values: Iterable[Any] = ()) -> Size:
        items = tuple(values)
        for i, v in enumerate(items):
            if type(v) is not int:
                if isinstance(v, (bool, int)) or hasattr(v, "__index__"):
                    items = items[:i] + (v.__index__(),) + items[i + 1 :]
                else:
                    raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{type(v).__name__}')")
        return tuple.__new__(cls, items)

    def numel(self) -> int:
        """Number of elements of a tensor of this size."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(repr, self))}])"

    __str__ = __repr__

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> Size: ...
    def __getitem__(self, key: Any, /) -> Any:
        got = tuple.__getitem__(self, key)
        return tuple.__new__(Size, got) if isinstance(key, slice) else got

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple.__add__(other, self))

    def __mul__(self, other: Any) -> Size:
        return tuple.__new__(Size, tuple.__mul__(self, other))

    __rmul__ = __mul__

    def __reduce__(self) -> Any:
        return Size, (tuple(self),)
