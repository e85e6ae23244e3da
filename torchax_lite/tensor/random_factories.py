"""Random tensors by shape: ``rand``, ``randn``, ``randint``, ``randperm``, ``normal``, and their ``_like`` forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.avals import accelerator_devices, aval
from ..ops.lowering import broadcast
from . import dispatch, dtypes
from .arguments import float_of, int_of, need_tensor, no_overload, shape_of
from .casting import format_strides
from .creation import check_dtype, empty
from .device import from_place, to_place
from .draws import PERMUTATION, Law, check_out, draw, fill, integer_law, normal_law, on_tape, uniform_law
from .generator import Generator
from .layouts import preserve_format, strided
from .modes import modes
from .tensor import Tensor
from .value_checks import known_values

_OPTIONS = (
    "torch.dtype dtype = None, torch.layout layout = None, torch.device device = None, bool pin_memory = False, "
    "bool requires_grad = False"
)


_LIKE_OPTIONS = f"torch.memory_format memory_format = None, {_OPTIONS}"


def _check_layout(layout: Any, pin_memory: bool) -> None:
    if layout is not None and layout is not strided:
        raise NotImplementedError(f"layout={layout!r}: random tensors are torch.strided only")
    if pin_memory and not accelerator_devices():
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on "
            "this system."
        )


def _make(
    function: str, law: Law, shape: tuple[int, ...], default: dtypes.dtype | None, *, generator: Any = None,
    out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False, strides: tuple[int, ...] | None = None,
) -> Tensor:  # fmt: skip
    """A new random tensor, or ``out`` filled."""
    d = check_dtype(dtype)
    _check_layout(layout, pin_memory)
    if out is not None:
        check_out(function, out, d, device, shape)
        made = fill(out, law, generator, function, "")
    else:
        d = d or default or dtypes.get_default_dtype()
        a = aval(shape, dtypes.to_numpy_dtype(d), to_place(device))
        if requires_grad and d._category < 2:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        made = dispatch.wrap(draw(law, a, strides, generator, function))
        if strides is not None:
            made._strides = made._storage.strides = strides
        if modes.inference:
            made._inference = True
    if requires_grad:
        made.requires_grad_(True)
    return made


def _factory(name: str, law: Law, doc: str, law_doc: str) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    form = f"tuple of ints size, *, torch.Generator generator = None, Tensor out = None, {_OPTIONS}"
    like_form = f"Tensor input, *, torch.Generator generator = None, {_LIKE_OPTIONS}"

    def factory(
        *size: Any, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = None,
        layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False, **kwargs: Any,
    ) -> Tensor:  # fmt: skip
        given: Any = size
        if "size" in kwargs and not size:
            given = (kwargs.pop("size"),)
        if kwargs or not given or (len(given) > 1 and isinstance(given[0], (tuple, list))):
            raise no_overload(name, [form], size, kwargs)
        if len(given) == 1 and isinstance(given[0], (tuple, list)):
            given = given[0]
        elif int_of(given[0]) is None:
            shape_of(name, given[0])
        return _make(
            name, law, shape_of(name, given), None, generator=generator, out=out, dtype=dtype, layout=layout,
            device=device, requires_grad=requires_grad, pin_memory=pin_memory,
        )  # fmt: skip

    def like(
        input: Tensor, *args: Any, generator: Generator | None = None, dtype: Any = None, layout: Any = None,
        device: Any = None, requires_grad: bool = False, memory_format: Any = preserve_format,
        pin_memory: bool = False, **kwargs: Any,
    ) -> Tensor:  # fmt: skip
        need_tensor(like.__name__, input)
        if args or kwargs:
            raise no_overload(like.__name__, [like_form], (input, *args), kwargs)
        layout = input.layout if layout is None and input._own_layout else layout
        return _make(
            like.__name__, law, input._aval.shape, input.dtype, generator=generator, dtype=dtype, layout=layout,
            device=from_place(input._aval.place) if device is None else device, requires_grad=requires_grad,
            pin_memory=pin_memory, strides=format_strides(input, memory_format or preserve_format),
        )  # fmt: skip

    factory.__name__ = factory.__qualname__ = name
    like.__name__ = like.__qualname__ = f"{name}_like"
    factory.__doc__ = f"A tensor of a shape with {doc}: {law_doc}."
    like.__doc__ = f"A tensor with the shape, dtype, device and memory format of ``input`` with {doc}: {law_doc}."
    return factory, like


rand, rand_like = _factory("rand", uniform_law(0.0, 1.0), "uniform samples", "the interval [0, 1)")
randn, randn_like = _factory("randn", normal_law(0.0, 1.0), "normal samples", "mean 0, variance 1")

_RANDINT_FORMS = (
    f"int high, tuple of ints size, *, torch.Generator generator = None, Tensor out = None, {_OPTIONS}",
    f"int low, int high, tuple of ints size, *, torch.Generator generator = None, Tensor out = None, {_OPTIONS}",
)


def randint(
    *args: Any, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """``randint(low=0, high, size)``: integers of [low, high), int64 unless told."""
    given = dict(kwargs)
    sizes = [i for i, v in enumerate(args) if isinstance(v, (tuple, list))]
    at = sizes[0] if sizes else len(args)
    numbers = list(args[:at])
    if sizes and "size" not in given:
        given["size"] = args[at]
    elif args[at:]:
        raise no_overload("randint", _RANDINT_FORMS, args, kwargs)
    n_bounds = len(numbers) + ("low" in given) + ("high" in given)
    if set(given) - {"low", "high", "size"} or len(args) > at + 1 or n_bounds > 2:
        raise no_overload("randint", _RANDINT_FORMS, args, kwargs)
    if "size" not in given:
        if len(numbers) == 2 and not kwargs:
            shape_of("randint", numbers[1], 2)
        raise no_overload("randint", _RANDINT_FORMS, args, kwargs)
    if "high" in given:
        low, high = given.get("low", numbers[0] if numbers else 0), given["high"]
    elif "low" in given or not numbers:
        raise TypeError('randint() missing required positional argument: "high"')
    else:
        low, high = (0, numbers[0]) if len(numbers) == 1 else numbers
    bounds = [int_of(low), int_of(high)]
    for i, (name, value) in enumerate((("low", low), ("high", high))):
        if bounds[i] is None:
            position = i + 1 if len(numbers) == 2 else 1
            kind = dispatch.type_name(value)
            raise TypeError(f"randint(): argument '{name}' (position {position}) must be int, not {kind}")
    return _make(
        "randint", integer_law(bounds[0] or 0, bounds[1]), shape_of("randint", given["size"], 2), dtypes.int64,
        generator=generator, out=out, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad,
        pin_memory=pin_memory,
    )  # fmt: skip


def randint_like(
    input: Tensor, *args: Any, generator: Generator | None = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, memory_format: Any = preserve_format, pin_memory: bool = False,
    **kwargs: Any,
) -> Tensor:  # fmt: skip
    """``randint_like(input, low=0, high)``: integers of [low, high) in the shape and dtype of ``input``."""
    need_tensor("randint_like", input)
    names = ("high",) if len(args) == 1 and "high" not in kwargs else ("low", "high")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    low, high = int_of(given.get("low", 0)), int_of(given.get("high"))
    if set(given) - {"low", "high"} or len(args) + len(kwargs) != len(given) or low is None or high is None:
        forms = (f"Tensor input, int high, *, {_OPTIONS}", f"Tensor input, int low, int high, *, {_OPTIONS}")
        raise no_overload("randint_like", forms, (input, *args), kwargs)
    return _make(
        "randint_like", integer_law(low, high), input._aval.shape, input.dtype, generator=generator, dtype=dtype,
        layout=layout, device=from_place(input._aval.place) if device is None else device, requires_grad=requires_grad,
        pin_memory=pin_memory, strides=format_strides(input, memory_format or preserve_format),
    )  # fmt: skip


def randperm(
    *args: Any, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """``randperm(n)``: the integers 0 .. n-1 in random order, int64 unless told."""
    if len(args) + len(kwargs) != 1 or set(kwargs) - {"n"}:
        raise no_overload("randperm", [f"int n, *, {_OPTIONS}"], args, kwargs)
    given = args[0] if args else kwargs["n"]
    n = int_of(given)
    if n is None:
        raise TypeError(f"randperm(): argument 'n' (position 1) must be int, not {dispatch.type_name(given)}")
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    return _make(
        "randperm", PERMUTATION, (n,), dtypes.int64, generator=generator, out=out, dtype=dtype, layout=layout,
        device=device, requires_grad=requires_grad, pin_memory=pin_memory,
    )  # fmt: skip


_NORMAL_FORMS = (
    "Tensor mean, Tensor std, *, torch.Generator generator = None, Tensor out = None",
    "Tensor mean, float std = 1, *, torch.Generator generator = None, Tensor out = None",
    "float mean, Tensor std, *, torch.Generator generator = None, Tensor out = None",
    f"float mean, float std, tuple of ints size, *, torch.Generator generator = None, Tensor out = None, {_OPTIONS}",
)


def normal(*args: Any, generator: Generator | None = None, out: Tensor | None = None, **kwargs: Any) -> Tensor:
    """``normal(mean, std=1)`` with tensors and numbers, or ``normal(mean, std, size)``: normal samples.

    Raises:
        RuntimeError: for a negative standard deviation.
    """
    given = {**dict(zip(("mean", "std", "size"), args, strict=False)), **kwargs}
    mean, std = given.pop("mean", None), given.pop("std", None)
    wrong = len(args) > 3 or len(args) + len(kwargs) != len({*("mean", "std", "size")[: len(args)], *kwargs})
    wrong = wrong or (generator is not None and not isinstance(generator, Generator)) or mean is None
    if not wrong and "size" in given:
        numbers = float_of(mean), float_of(std)
        options = {"dtype", "layout", "device", "pin_memory", "requires_grad"}
        if None not in numbers and isinstance(given["size"], (tuple, list)) and not set(given) - options - {"size"}:
            shape = shape_of("normal", given.pop("size"), 3)
            return _make("normal", normal_law(*numbers), shape, None, generator=generator, out=out, **given)  # type: ignore[arg-type]
    tensors = [t for t in (mean, std) if isinstance(t, Tensor)]
    number = float_of(1.0 if std is None else std if isinstance(mean, Tensor) else mean)
    if wrong or given or not tensors or (len(tensors) == 1 and number is None):
        shown = kwargs if generator is None else {**kwargs, "generator": generator}
        raise no_overload("normal", _NORMAL_FORMS, args, shown)
    return _normal_of_tensors(mean, std, number, generator, out)


def _normal_of_tensors(mean: Any, std: Any, number: float | None, generator: Any, out: Tensor | None) -> Tensor:
    """Standard samples (scaled where ``std`` is a number), then ``* std`` and ``+ mean`` as ops of their own."""
    tensors = [t for t in (mean, std) if isinstance(t, Tensor)]
    known = known_values(std) if isinstance(std, Tensor) else None
    if isinstance(std, Tensor):
        if std.is_complex():
            raise RuntimeError("normal expects standard deviation to be non-complex")
        if std.numel() and not std.is_meta and not bool(((std.detach() if known is None else known) >= 0).all()):
            raise RuntimeError("normal expects all elements of std >= 0.0")
    like = tensors[0]
    shape = broadcast([t._aval.shape for t in tensors])
    law = normal_law(0.0, 1.0 if isinstance(std, Tensor) else number)  # type: ignore[arg-type]
    if out is not None:
        if modes.grad and (out.requires_grad or any(t.requires_grad for t in tensors)):
            raise RuntimeError(
                "normal(): functions with out=... arguments don't support automatic differentiation, but one of the "
                "arguments requires grad."
            )
        if out._aval.shape != shape:
            dispatch.write_out(out, empty(shape, dtype=out.dtype, device=out.device), "normal")
        made = fill(out, law, generator, "normal", "")
    else:
        made = dispatch.wrap(draw(law, aval(shape, like._aval.dtype, like._aval.place), None, generator, "normal"))
        made._inference = modes.inference
        known_mean = known_values(mean) if known is not None and isinstance(mean, Tensor) else None
        if known_mean is not None and known_mean.dtype == known.dtype == like._aval.dtype:
            node = made._storage.node
            node.value = node.value * known + known_mean  # type: ignore[union-attr, operator]
            on_tape(made, node, tensors, "NormalBackward3")  # type: ignore[arg-type]
            return made
    before, modes.grad = modes.grad, False
    try:
        if isinstance(std, Tensor):
            made.mul_(std)
            made._aval.recorder.flush("normal")  # a program with both would round the product and the sum only once
        made.add_(mean)
    finally:
        modes.grad = before
    if out is None:
        name = "NormalBackward3" if len(tensors) == 2 else "NormalBackward1" if like is mean else "NormalBackward2"
        on_tape(made, made._sync(), tensors, name)
    return made
