"""Entry points of the public functions: code that wants to see every call, put in place only while somebody looks.

A layer (``__torch_function__`` and its modes; autocast; the profiler) is an ``around(point, args, kwargs, inner)`` for a
set of functions. While it is enabled the ``__code__`` of each of these functions is replaced by a stub that calls the
layers, outermost first, and then the function's own code. All references to the function see it (``from torch import
add``, methods, operators, properties), and while no layer is enabled nothing is there that could cost time.
"""

from __future__ import annotations

import functools
import os
import threading
import types
import warnings
from collections.abc import Callable, Iterable
from typing import Any

Inner = Callable[[tuple[Any, ...], dict[str, Any]], Any]

_STUBS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "<layers>")
"""File name of stubs: inside the package, so that what looks for the program's own line goes past them."""
_points: dict[types.FunctionType, Point] = {}
_lock = threading.RLock()


class Point:
    """A public function that layers may be put around.

    Attributes:
        function: the function object that everybody holds.
        original: a function with its own code, whatever is around it.
        public: what stands for the function in ``__torch_function__``: itself, but for operators and properties.
        name: the public name, ``torch.add``.
        operator: whether a refusal is ``NotImplemented`` (``__add__``) instead of an error.
    """

    __slots__ = ("_code", "_layers", "chain", "function", "name", "operator", "original", "public", "stub")

    def __init__(self, function: types.FunctionType) -> None:
        self.function = function
        self._code = function.__code__
        made = types.FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
        )
        made.__kwdefaults__ = function.__kwdefaults__
        made.__qualname__ = function.__qualname__
        self.original = made
        self.public: Any = function
        self.name = function.__name__
        self.operator = False
        self._layers: list[Layer] = []
        self.chain: Inner = self.run
        self.stub: types.CodeType | None = None

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function's own code."""
        return self.original(*args, **kwargs)

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.chain(args, kwargs)

    def add(self, layer: Layer) -> None:
        """Put a layer around, outside those of smaller rank."""
        self._layers = sorted([*self._layers, layer], key=lambda x: x.rank)
        self._update()

    def remove(self, layer: Layer) -> None:
        """Take a layer away; without any the function is as it was."""
        self._layers.remove(layer)
        self._update()

    def _update(self) -> None:
        inner: Inner = self.run
        for layer in self._layers:
            inner = functools.partial(_surround, layer.around, self, inner)
        self.chain = inner
        if not self._layers:
            self.function.__code__ = self._code
            if self.function.__dict__.get("__wrapped__") is self.original:
                del self.function.__wrapped__  # type: ignore[attr-defined]
            return
        if self.stub is None:
            self.stub = _stub(self)
        self.function.__dict__.setdefault("__wrapped__", self.original)  # inspect.signature reads the function's own
        self.function.__code__ = self.stub


def _surround(around: Any, point: Point, inner: Inner, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return around(point, args, kwargs, inner)


class Layer:
    """Something that looks at the calls of a set of functions while it is enabled.

    Args:
        around: ``around(point, args, kwargs, inner)``, whose result is the call's; ``inner(args, kwargs)`` goes on.
        functions: gives the functions; asked whenever the layer is enabled, so that it sees namespaces loaded later.
        rank: larger is further outside. Overrides are at 100, the profiler at 50, autocast at 10.
    """

    def __init__(
        self, around: Callable[[Point, tuple[Any, ...], dict[str, Any], Inner], Any],
        functions: Callable[[], Iterable[types.FunctionType]], rank: int,
    ) -> None:  # fmt: skip
        self.around = around
        self.functions = functions
        self.rank = rank
        self._users = 0
        self._on: list[Point] = []

    @property
    def enabled(self) -> bool:
        """Whether the layer is around its functions now."""
        return self._users > 0

    def enable(self) -> None:
        """Begin to look; calls are counted."""
        with _lock:
            self._users += 1
            if self._users == 1:
                self._on = [point(f) for f in self.functions()]
                for p in self._on:
                    p.add(self)

    def disable(self) -> None:
        """Undo one :meth:`enable`; after the last one the functions are as they were."""
        with _lock:
            self._users -= 1
            if self._users == 0:
                for p in self._on:
                    p.remove(self)
                self._on = []

    def refresh(self) -> None:
        """Take in functions of namespaces that were loaded since."""
        with _lock:
            if self._users:
                known = set(map(id, self._on))
                for p in map(point, self.functions()):
                    if id(p) not in known:
                        self._on.append(p)
                        p.add(self)


def point(function: types.FunctionType) -> Point:
    """The entry point of a function, made at the first request."""
    found = _points.get(function)
    if found is None:
        with _lock:
            found = _points.setdefault(function, Point(function))
    return found


def original(function: Any) -> Any:
    """A function without any layer around it; anything else as it is."""
    found = _points.get(function) if isinstance(function, types.FunctionType) else None
    return function if found is None else found.original


@functools.cache
def _template(n_free: int) -> types.CodeType:
    """Code of a stub with so many free variables: a function's code may only be replaced by one with as many."""
    free = [f"free{i}" for i in range(n_free)]
    lines = ["def outer():", *(f"    {v} = None" for v in free), "    def stub(*args, **kwargs):"]
    if free:
        lines.append(f"        if 0: {', '.join(free)}")
    lines += ["        point = 'POINT'", "        return point(args, kwargs)", "    return stub"]
    namespace: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec("\n".join(lines), namespace)
    return namespace["outer"]().__code__  # type: ignore[no-any-return]


def _stub(p: Point) -> types.CodeType:
    code = p.function.__code__
    template = _template(len(code.co_freevars))
    consts = tuple(p if c == "POINT" else c for c in template.co_consts)
    return template.replace(co_consts=consts, co_name=code.co_name, co_filename=_STUBS, co_qualname=code.co_qualname)
