"""Autocast's state of each thread, and the casts themselves."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from ..tensor import dispatch, dtypes, op_interception
from ..tensor.casting import cast
from ..tensor.interception import Layer
from ..tensor.modes import modes
from ..tensor.op_interception import MISS
from . import _policies as policies
from ._policies import BANNED, EINSUM, FP32, FP32_DTYPE, FP32_FIRST, LOWER, PROMOTE, RECURRENT

float16, bfloat16, float32, float64 = (dtypes.DTYPES[n] for n in ("float16", "bfloat16", "float32", "float64"))
DEVICES = ("cpu", "cuda", "mtia", "maia", "xpu", "ipu", "hpu", "xla", "privateuseone", "mps")
"""Device types that may be named; those that no tensor can have here are kept and have no effect."""
_KNOWN = (*DEVICES, "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "lazy", "vulkan", "meta")
_FLOAT16_BY_DEFAULT = ("cuda", "mps")


class _State(threading.local):
    def __init__(self) -> None:
        self.enabled: set[str] = set()
        self.dtypes: dict[str, Any] = {}
        self.cache_enabled = True
        self.nesting = 0
        self.cache: dict[Any, Any] = {}
        self.active: tuple[tuple[str, dict[str, str], Any], ...] = ()


state = _State()


def check_device(device_type: str) -> str:
    """The device type named by a string.

    Raises:
        RuntimeError: it names none, or one that knows no autocast.
    """
    name = device_type.partition(":")[0]
    if name not in _KNOWN:
        listed = (
            "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, "
            "hpu, mtia, privateuseone"
        )
        raise RuntimeError(f"Expected one of {listed} device type at start of device string: {device_type}")
    return name


def is_enabled(device_type: str) -> bool:
    """Whether this thread casts for a device type."""
    name = check_device(device_type)
    if name not in DEVICES:
        raise RuntimeError("unknown device type for autocast in get_autocast_dispatch_key_from_device_type")
    return name in state.enabled


def get_dtype(device_type: str) -> Any:
    """The low precision of a device type in this thread."""
    name = check_device(device_type)
    if name not in DEVICES:
        raise RuntimeError("unsupported scalarType")
    found = state.dtypes.get(name)
    return found if found is not None else float16 if name in _FLOAT16_BY_DEFAULT else bfloat16


def set_dtype(device_type: str, dtype: Any) -> None:
    """Choose the low precision of a device type in this thread."""
    state.dtypes[check_device(device_type)] = dtype
    _refresh()


def set_enabled(device_type: str, enabled: bool) -> None:
    """Start or end casting for a device type in this thread."""
    name = check_device(device_type)
    if name not in DEVICES:
        raise RuntimeError("unknown device type for autocast in get_autocast_dispatch_key_from_device_type")
    if enabled == (name in state.enabled):
        return
    (state.enabled.add if enabled else state.enabled.discard)(name)
    _refresh()


def _refresh() -> None:
    """Hand the casts to the dispatcher, or take them back, after a change of the state."""
    listed = [(d, policies.OPS[d], get_dtype(d)) for d in ("cuda", "xla", "cpu") if d in state.enabled]
    had, state.active = bool(state.active), tuple(listed)
    if not listed:
        op_interception.local.cast = None
        if had:
            op_interception.end()
            _LAYER.disable()
        return
    op_interception.local.cast = _handle
    if not had:
        _LAYER.enable()
        op_interception.begin()


@functools.cache
def _paths() -> dict[Any, str]:
    """The Python functions that autocast treats as ops, with their names in its lists."""
    return {f: path for path, functions in policies.find_functions().items() for f in functions}


def _around(point: Any, args: tuple[Any, ...], kwargs: dict[str, Any], inner: Any) -> Any:
    """A listed function with cast arguments, and no casts inside."""
    handler = op_interception.local.cast
    if handler is None:
        return inner(args, kwargs)
    changed = _cast_arguments(_paths()[point.function], args, kwargs)
    if changed is None:
        return inner(args, kwargs)
    op_interception.local.cast = None
    try:
        return inner(*changed)
    finally:
        op_interception.local.cast = handler


_LAYER = Layer(_around, _paths, rank=10)


def clear_cache() -> None:
    """Forget this thread's cast weights."""
    state.cache.clear()


# -- casts -------------------------------------------------------------------------------------------------------------


def _eligible(t: Any, device: str) -> bool:
    """Whether autocast for a device may change this tensor's dtype (float64 it never touches)."""
    if not isinstance(t, dispatch.Tensor) or not t.is_floating_point() or t.dtype is float64:
        return False
    kind = t._aval.place.type
    return t._aval.place.kind != "meta" and (kind == device or (device == "cuda" and kind == "xla"))


def cached_cast(t: Any, dtype: Any, device: str, low: Any) -> Any:
    """A tensor in another dtype; the cast of a weight to the low precision ``low`` is kept until the region ends."""
    if not _eligible(t, device) or t.dtype is dtype:
        return t
    keep = (
        state.cache_enabled and dtype is low and t.dtype is float32 and t._requires_grad and t._grad_fn is None
        and t._view is None
    )  # fmt: skip
    if not keep:
        return cast(t, dtype)
    key = (id(t), dtype, modes.grad)
    found = state.cache.get(key)
    if found is None or found[0] is not t or found[1] != t._storage.version:
        found = state.cache[key] = (t, t._storage.version, cast(t, dtype))
    return found[2]


def _map(value: Any, fn: Any) -> Any:
    if isinstance(value, dispatch.Tensor):
        return fn(value)
    if isinstance(value, (list, tuple)):
        items = [_map(v, fn) for v in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def _tensors(values: Iterable[Any]) -> list[Any]:
    found = []
    for v in values:
        if isinstance(v, dispatch.Tensor):
            found.append(v)
        elif isinstance(v, (list, tuple)):
            found += _tensors(v)
    return found


def _widest(tensors: Sequence[Any], device: str, low: Any) -> Any:
    """The widest of the low precision and the tensors' dtypes."""
    current = low
    for t in tensors:
        if not _eligible(t, device):
            continue
        if current is float32 or t.dtype is float32:
            current = float32
        elif t.dtype is not low:
            raise RuntimeError("Unexpected floating ScalarType in at::autocast::prioritize")
    return current


def _target(policy: str, tensors: Sequence[Any], device: str, low: Any) -> Any:
    """The dtype that a policy casts arguments to."""
    if policy in (LOWER, RECURRENT):
        return low
    return _widest(tensors, device, low) if policy == PROMOTE else float32


def _handle(op: Any, tensors: Sequence[Any], scalars: tuple[Any, ...], statics: tuple[Any, ...]) -> Any:
    """Autocast's part in a call of an op: the result with cast arguments, or MISS for an op on no list."""
    for device, table, low in state.active:
        policy = table.get(op.name)
        if policy is None:
            continue
        flat = _tensors(tensors)
        if not any(_eligible(t, device) for t in flat):
            continue
        if policy == BANNED:
            raise RuntimeError(
                "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to autocast.\n"
                "Many models use a sigmoid layer right before the binary cross entropy layer.\n"
                "In this case, combine the two layers using torch.nn.functional.binary_cross_entropy_with_logits\n"
                "or torch.nn.BCEWithLogitsLoss.  binary_cross_entropy_with_logits and BCEWithLogits are\n"
                "safe to autocast."
            )
        if policy == FP32_DTYPE:
            return dispatch.call(op, tensors, scalars, _with_float32(op, tensors[0], statics, device))
        if policy == FP32_FIRST:
            return dispatch.call(op, [cached_cast(tensors[0], float32, device, low), *tensors[1:]], scalars, statics)
        if policy == EINSUM:
            inputs, _, output = str(statics[0]).partition("->")
            if len(flat) < 2 or set(inputs) - {","} <= set(output):
                return MISS
            policy = LOWER
        target = _target(policy, flat, device, low)
        changed = [_map(t, functools.partial(cached_cast, dtype=target, device=device, low=low)) for t in tensors]
        made = dispatch.call(op, changed, scalars, statics)
        if policy == RECURRENT:
            wide = dtypes.promote_types(low, _hidden(tensors[1]).dtype)
            made = _map(made, functools.partial(_in_dtype, dtype=wide))
        return made
    return MISS


def _in_dtype(t: Any, dtype: Any) -> Any:
    return t if t.dtype is dtype else cast(t, dtype)


def _hidden(state: Any) -> Any:
    return state[0] if isinstance(state, (list, tuple)) else state


def _with_float32(op: Any, first: Any, statics: tuple[Any, ...], device: str) -> tuple[Any, ...]:
    if not _eligible(first, device):
        return statics
    return tuple(
        float32 if p.name == "dtype" and v is None else v for p, v in zip(op.static_params, statics, strict=True)
    )


def _cast_arguments(
    path: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The arguments of a listed Python function as its policy wants them; None where it has none."""
    flat = _tensors((*args, *kwargs.values()))
    for device, _, low in state.active:
        policy = policies.FUNCTIONS[device].get(path)
        if policy is None or not any(_eligible(t, device) for t in flat) or kwargs.get("out") is not None:
            continue
        if policy == FP32_DTYPE:
            if kwargs.get("dtype") is not None or not _eligible(flat[0], device):
                return None
            policy = FP32
        target = _target(policy, flat, device, low)

        def change(value: Any, device: str = device, low: Any = low, target: Any = target) -> Any:
            return _map(value, lambda x: cached_cast(x, target, device, low))

        return tuple(change(a) for a in args), {k: change(v) for k, v in kwargs.items()}
    return None
