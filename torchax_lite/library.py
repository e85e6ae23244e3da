"""``torch.library``: operators of a program's own, with derivatives, found as ``torch.ops.<namespace>.<name>``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from torchax_lite._library.namespaces import PACKETS, OpOverload, OpOverloadPacket, op_namespace
from torchax_lite._library.operators import OPERATORS, Operator, add_operator
from torchax_lite._library.schema import infer_schema, parse_schema

__all__ = [
    "CustomOpDef", "Library", "custom_op", "define", "get_ctx", "get_kernel", "impl", "impl_abstract", "infer_schema",
    "opcheck", "register_autocast", "register_autograd", "register_fake", "register_kernel", "register_torch_dispatch",
    "register_vmap", "triton_op", "wrap_triton",
]  # fmt: skip

_DEVICE_KEYS = {
    "CPU": "cpu", "CUDA": "cuda", "XLA": "xla", "Meta": "meta", "CompositeExplicitAutograd": "default",
    "CompositeImplicitAutograd": "implicit", "Autograd": "autograd", "AutogradCPU": "autograd", "AutogradCUDA": "autograd",
    "": "default",
}  # fmt: skip


def find_operator(op: Any) -> Operator:
    """The operator that a name, an object of ``torch.ops`` or what :func:`custom_op` made stands for."""
    if isinstance(op, CustomOpDef):
        return op._operator
    if isinstance(op, OpOverload):
        op = op.name()
    if isinstance(op, OpOverloadPacket):
        op = f"{op._namespace}::{op._name}"
    namespace, _, name = str(op).partition("::")
    name = name.removesuffix(".default")
    found = OPERATORS.get(namespace, {}).get(name)
    if found is None:
        raise RuntimeError(
            f"operator {op} does not exist: define it with torch.library.custom_op or torch.library.define"
        )
    return found


class CustomOpDef:
    """An operator as :func:`custom_op` makes it; calling it runs it."""

    def __init__(self, operator: Operator, fn: Callable[..., Any]) -> None:
        self._operator = operator
        self._init_fn = fn
        self.__name__ = operator.name
        self.__doc__ = fn.__doc__
        self.__module__ = fn.__module__

    @property
    def _qualname(self) -> str:
        return self._operator.qualname

    @property
    def _name(self) -> str:
        return self._operator.name

    @property
    def _opoverload(self) -> OpOverload:
        return getattr(op_namespace(self._operator.namespace), self._operator.name).default

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._operator(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"

    def register_kernel(self, device_types: Any, fn: Callable[..., Any] | None = None, /) -> Any:
        """A kernel for one or more device types; a decorator without ``fn``."""
        return register_kernel(self, device_types, fn)

    def register_fake(self, fn: Callable[..., Any], /) -> Callable[..., Any]:
        """What gives the result's shape and dtype; run for meta tensors."""
        self._operator.fake = fn
        return fn

    def register_autograd(
        self, backward: Callable[..., Any], /, *, setup_context: Callable[..., Any] | None = None
    ) -> None:
        """The derivative: ``backward(ctx, *grads)``, with what ``setup_context(ctx, inputs, output)`` kept."""
        self._operator.backward, self._operator.setup_context = backward, setup_context

    def register_vmap(self, func: Callable[..., Any] | None = None) -> Any:
        """A batching rule, kept with the operator."""
        return register_vmap(self, func)

    def register_autocast(self, device_type: str, cast_inputs: Any) -> None:
        """The dtype of floating inputs under autocast."""
        register_autocast(self, device_type, cast_inputs)

    def register_torch_dispatch(self, torch_dispatch_class: Any, fn: Any = None, /) -> Any:
        """Not supported."""
        raise NotImplementedError("register_torch_dispatch: there is no __torch_dispatch__; use __torch_function__")

    @contextlib.contextmanager
    def set_kernel_enabled(self, device_type: str, enabled: bool = True) -> Iterator[None]:
        """Whether the kernel of a device type is used, within the ``with`` block."""
        before = set(self._operator.disabled)
        (self._operator.disabled.discard if enabled else self._operator.disabled.add)(device_type)
        try:
            yield
        finally:
            self._operator.disabled = before


def custom_op(
    name: str, fn: Callable[..., Any] | None = None, /, *, mutates_args: Any, device_types: Any = None, schema: str | None = None,
    tags: Any = None,
) -> Any:  # fmt: skip
    """Make a function an operator ``namespace::name``; a decorator without ``fn``.

    Within it nothing is recorded for gradients: ``register_autograd`` gives the derivative. Its ops are recorded in the
    program like all others; Python in it (NumPy, say) runs at each call.

    Args:
        name: ``namespace::name``.
        mutates_args: names of the arguments that it changes in place.
        device_types: the devices that the function is for; all by default.
        schema: if not to be taken from the annotations.
    """

    def make(f: Callable[..., Any]) -> CustomOpDef:
        namespace, _, short = name.partition("::")
        if not short or not short.isidentifier() and "." not in short:
            raise ValueError(f"custom_op(name, ...): expected a name of the form 'namespace::name', got {name!r}")
        text = schema if schema is not None else infer_schema(f, mutates_args=mutates_args)
        parsed = parse_schema(name + text[text.index("(") :])
        made = add_operator(namespace, parsed, short, tags or ())
        kinds = (
            ["default"]
            if device_types is None
            else [device_types]
            if isinstance(device_types, str)
            else list(device_types)
        )
        for kind in kinds:
            made.kernels[kind] = f
        return CustomOpDef(made, f)

    return make if fn is None else make(fn)


def triton_op(name: str, fn: Any = None, /, *, mutates_args: Any, schema: str | None = None) -> Any:
    """Not supported."""
    raise NotImplementedError(
        "torch.library.triton_op: Triton kernels do not run here; interop.wrap_jax takes a Pallas kernel"
    )


def wrap_triton(triton_kernel: Any, /) -> Any:
    """Not supported."""
    raise NotImplementedError(
        "torch.library.wrap_triton: Triton kernels do not run here; interop.wrap_jax takes a Pallas kernel"
    )


class Library:
    """Definitions and kernels of one namespace.

    Args:
        ns: the namespace.
        kind: ``DEF`` (a new one), ``IMPL`` or ``FRAGMENT`` (of an existing one).
        dispatch_key: what kernels are for unless :meth:`impl` says it.
    """

    def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
        if kind not in ("IMPL", "DEF", "FRAGMENT"):
            raise ValueError(f"Unsupported kind: {kind}")
        if ns == "aten" and kind == "DEF":
            raise RuntimeError(
                "Only a single TORCH_LIBRARY can be used to register the namespace aten, which exists already"
            )
        if ns in ("prim",) or (ns == "aten" and kind != "IMPL"):
            raise ValueError(f"{ns} is a reserved namespace. Please try creating a library with another name.")
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key
        self._made: list[str] = []
        self._undo: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"Library(kind={self.kind}, ns={self.ns}, dispatch_key={self.dispatch_key})>"

    def define(self, schema: str, alias_analysis: str = "", *, tags: Any = ()) -> str:
        """Declare an operator; returns its name."""
        name = schema.partition("(")[0].strip().rpartition("::")[2]
        parsed = parse_schema(f"{self.ns}::{name}({schema.partition('(')[2]}")
        add_operator(self.ns, parsed, name, tags)
        self._made.append(name)
        return name

    def impl(
        self,
        op_name: Any,
        fn: Callable[..., Any],
        dispatch_key: str = "",
        *,
        with_keyset: bool = False,
        allow_override: bool = False,
    ) -> None:
        """Give an operator a kernel for a dispatch key (``CPU``, ``CompositeExplicitAutograd``, …)."""
        if with_keyset:
            raise NotImplementedError("Library.impl(with_keyset=True): there are no dispatch key sets")
        key = dispatch_key or self.dispatch_key
        if self.ns == "aten":
            raise NotImplementedError(
                "Library('aten', 'IMPL'): operators of PyTorch cannot be replaced; use TorchFunctionMode"
            )
        name = op_name if isinstance(op_name, str) else op_name.name()
        operator = find_operator(f"{self.ns}::{name.rpartition('::')[2]}")
        if key not in _DEVICE_KEYS:
            raise NotImplementedError(f"Library.impl: dispatch key {key!r}; one of {sorted(_DEVICE_KEYS)} is wanted")
        operator.kernels["implicit" if not key else _DEVICE_KEYS[key]] = fn

    def fallback(self, fn: Any, dispatch_key: str = "", *, with_keyset: bool = False) -> None:
        """Not supported."""
        raise NotImplementedError("Library.fallback: there is no dispatcher; TorchFunctionMode sees every call")

    def _register_fake(self, op_name: str, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        find_operator(f"{self.ns}::{op_name}").fake = fn

    def _destroy(self) -> None:
        while self._undo:
            self._undo.pop()()
        for name in self._made:
            OPERATORS.get(self.ns, {}).pop(name, None)
            PACKETS.pop((self.ns, name), None)
        self._made = []


@contextlib.contextmanager
def _scoped_library(*args: Any, **kwargs: Any) -> Iterator[Library]:
    lib = Library(*args, **kwargs)
    try:
        yield lib
    finally:
        lib._destroy()


def _store(lib: Library | None, table: dict[str, Any], key: str, value: Any) -> None:
    """Register `value`; with a library, for as long as that is not destroyed."""
    if lib is not None:
        before = {k: v for k, v in table.items() if k == key}

        def undo() -> None:
            table.pop(key, None)
            table.update(before)

        lib._undo.append(undo)
    table[key] = value


def define(qualname: str, schema: str, *, lib: Library | None = None, tags: Any = ()) -> None:
    """Declare an operator ``namespace::name`` with a schema ``(Tensor x) -> Tensor``."""
    namespace, _, name = qualname.partition("::")
    if not name:
        raise ValueError(f"define(qualname, ...): expected 'namespace::name', got {qualname!r}")
    parsed = parse_schema(qualname + schema)
    add_operator(namespace, parsed, name, tags)
    if lib is not None:
        lib._made.append(name)


def impl(qualname: Any, types: Any, func: Callable[..., Any] | None = None, *, lib: Library | None = None) -> Any:
    """A kernel of an operator for device types or dispatch keys; a decorator without ``func``."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        operator = find_operator(qualname)
        for kind in (types,) if isinstance(types, str) else types:
            _store(lib, operator.kernels, _DEVICE_KEYS.get(kind, kind), f)
        return f

    if func is None:
        return register
    register(func)
    return None


def register_kernel(
    op: Any, device_types: Any, func: Callable[..., Any] | None = None, /, *, lib: Library | None = None
) -> Any:
    """A kernel of an operator for device types (None: all); a decorator without ``func``."""
    kinds = (
        ["default"] if device_types is None else [device_types] if isinstance(device_types, str) else list(device_types)
    )

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        for kind in kinds:
            _store(lib, find_operator(op).kernels, kind, f)
        return f

    return register if func is None else register(func)


def register_fake(
    op: Any,
    func: Callable[..., Any] | None = None,
    /,
    *,
    lib: Library | None = None,
    _stacklevel: int = 1,
    allow_override: bool = False,
) -> Any:
    """What gives an operator's result shape and dtype, run for meta tensors; a decorator without ``func``."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        _store(lib, vars(find_operator(op)), "fake", f)
        return f

    return register if func is None else register(func)


impl_abstract = register_fake


def register_autograd(
    op: Any,
    backward: Callable[..., Any],
    /,
    *,
    setup_context: Callable[..., Any] | None = None,
    lib: Library | None = None,
) -> None:
    """The derivative of an operator: ``backward(ctx, *grads)``, with what ``setup_context(ctx, inputs, output)`` kept."""
    operator = find_operator(op)
    _store(lib, vars(operator), "backward", backward)
    _store(lib, vars(operator), "setup_context", setup_context)


def register_autocast(op: Any, device_type: str, cast_inputs: Any, /, *, lib: Library | None = None) -> None:
    """The dtype to which floating inputs are cast under autocast on a device."""
    if device_type not in ("cpu", "cuda", "xla"):
        raise ValueError(f"Unknown device type: {device_type}")
    _store(lib, find_operator(op).autocast, device_type, cast_inputs)


def register_vmap(op: Any, func: Callable[..., Any] | None = None, /, *, lib: Library | None = None) -> Any:
    """A batching rule, kept with the operator; ``torch.func.vmap`` maps what the kernel records."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        _store(lib, vars(find_operator(op)), "vmap", f)
        return f

    return register if func is None else register(func)


def register_torch_dispatch(op: Any, torch_dispatch_class: Any, func: Any = None, /, *, lib: Any = None) -> Any:
    """Not supported."""
    raise NotImplementedError(
        "torch.library.register_torch_dispatch: there is no __torch_dispatch__; use __torch_function__"
    )


def get_ctx() -> Any:
    """Not supported."""
    raise NotImplementedError("torch.library.get_ctx: sizes that depend on data are found by running the operator")


def get_kernel(op: Any, dispatch_key: str) -> Callable[..., Any]:
    """The kernel that is registered for a device type or dispatch key."""
    kernels = find_operator(op).kernels
    key = _DEVICE_KEYS.get(dispatch_key, dispatch_key)
    if key not in kernels:
        raise RuntimeError(f"no kernel of {op} for {dispatch_key}")
    return kernels[key]


def opcheck(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None, **options: Any) -> dict[str, str]:
    """Not supported."""
    raise NotImplementedError("torch.library.opcheck: use torch.autograd.gradcheck for the derivative")
