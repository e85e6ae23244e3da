"""The op registry: one declaration an op, everything else derived from it.

See ``docs/design.md`` ("Ops") for the schema language and the promotion rules. A declaration::

    @op("addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor", promote=ALL, inplace=True)
    def addcmul(self, tensor1, tensor2, value):
        \"\"\"``self + value * tensor1 * tensor2``, broadcast.\"\"\"
        return self + cast_like(value, self) * tensor1 * tensor2

binds ``addcmul`` to an :class:`Op`, which is callable as its body (so bodies compose).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from .schema import Schema, parse

ALL = "all"
"""Common dtype of all tensor and number arguments."""
FLOAT = "float"
"""As ALL, integers and bools become the default float dtype."""
NONE = "none"
"""No promotion: the body sees each array in its own dtype."""

OPS: dict[str, Op] = {}
"""Every declared op by its full name (``max.dim``)."""


class Op:
    """A declared operation: schema, pure body over arrays, and rules. See :func:`op`."""

    def __init__(
        self, schema: Schema, body: Callable[..., Any], promote: str, opmath: bool, inplace: bool | str, out: bool,
        function: bool, method: bool, namespaces: tuple[str, ...], differentiable: bool | tuple[str, ...],
        grad_name: str | Callable[..., str] | None, pointwise: bool, samples: Callable[..., Iterable[Any]] | None,
        promote_args: tuple[str, ...] | None, view: bool, host: Callable[..., Any] | None, keep_residuals: bool,
    ) -> None:  # fmt: skip
        self.schema = schema
        self.name = schema.name
        self.base = schema.base
        self.body = body
        self.promote = promote
        self.opmath = opmath
        self.inplace = inplace
        self.out = out
        self.function = function
        self.method = method
        self.namespaces = namespaces
        self.differentiable = differentiable
        self.grad_name = grad_name
        self.pointwise = pointwise
        self.samples = samples
        self.promote_args = promote_args
        self.view = view
        self.host = host
        self.keep_residuals = keep_residuals
        self.vjp_body: Callable[..., Any] | None = None
        self.vjp_needs: tuple[str, ...] | None = None
        self.without_slope: dict[str, str] = {}
        """Parameters that the derivative does not exist for, and what asking for it raises."""
        self.layout: Callable[..., Any] | None = None
        self.write_body: Callable[..., Any] | None = None
        self.shape_body: Callable[..., Any] | None = None
        self.check_body: Callable[..., Any] | None = None
        self.memory: Callable[..., Any] | None = None
        self.tensor_params = tuple(p for p in schema.params if p.is_tensor)
        self.scalar_params = tuple(p for p in schema.params if p.is_scalar)
        self.static_params = tuple(p for p in schema.params if p.is_static)
        self.scalar_defaults = tuple(p.default for p in self.scalar_params)
        self.static_defaults = tuple(p.default for p in self.static_params)
        self.default_statics = (self.static_defaults,)
        self.default_scalars = ("defaults",) if self.scalar_params else ()
        self.sites: dict[Any, Any] = {}
        self.__doc__ = body.__doc__
        self.__name__ = schema.base
        self.__wrapped__ = body
        self.__module__ = body.__module__
        self.of_package = (body.__module__ or "").partition(".")[0] == __name__.partition(".")[0]
        """Whether the body is this package's, whose sources are part of the disk cache's key."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body on arrays."""
        return self.body(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def vjp(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Give the derivative explicitly; ``fn``'s parameter names say what it needs (and what is saved).

        Known names: ``ct`` (cotangent of the result; ``cts``: the tuple of all cotangents, zeros where nothing
        flows), ``result`` (``results`` for several), any parameter of the schema, and ``<tensor>_shape`` where the
        shape is enough (the value is not saved then). Returns one cotangent for
        each tensor parameter in schema order (bare for a single one), ``None`` where nothing flows.
        """
        names = parameter_names(fn)
        known = {"ct", "cts", "result", "results", *(p.name for p in self.schema.params)}
        known |= {f"{p.name}_shape" for p in self.tensor_params}
        unknown = [n for n in names if n not in known]
        if unknown:
            raise ValueError(f"derivative of {self.name}: unknown parameter names {unknown}")
        self.vjp_body = fn
        self.vjp_needs = names
        return fn

    def layout_rule(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """For views: ``fn(shape, strides, offset, *statics) -> (shape, strides, offset)``, in elements."""
        self.layout = fn
        return fn

    def write(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """For views: ``fn(base, value, *statics) -> base with the viewed part replaced by value``."""
        self.write_body = fn
        return fn

    def shape_rule(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Abstract evaluation without tracing, for ops that meet ever new arguments: ``fn(*args) -> shape``.

        ``fn`` takes the schema's parameters as `check` does; the only result has the first tensor's dtype.
        """
        self.shape_body = fn
        return fn

    def memory_rule(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """In which order the results lie in memory; see :mod:`torchax_lite.ops.memory`.

        A rule with an attribute ``only_strided`` is asked only if some input is not row-major.
        """
        self.memory = fn
        return fn

    def check(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Argument check, run once a new combination of shapes, dtypes and statics, at the user's call.

        ``fn`` takes the schema's parameters; tensors come as :class:`ArraySpec` (``.shape``, ``.dtype`` as a NumPy
        dtype, ``.ndim``, ``.size``), numbers as Python numbers. It raises PyTorch's exception.
        """
        self.check_body = fn
        return fn


class ArraySpec:
    """Shape and dtype of an array argument, as seen by argument checks."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        n = 1
        for s in self.shape:
            n *= s
        return n


def op(
    schema: str,
    *,
    promote: str = NONE,
    opmath: bool | None = None,
    inplace: bool | str = False,
    out: bool = True,
    function: bool = True,
    method: bool = True,
    namespaces: tuple[str, ...] = ("torch",),
    differentiable: bool | tuple[str, ...] = True,
    grad_name: str | Callable[..., str] | None = None,
    pointwise: bool = False,
    samples: Callable[..., Iterable[Any]] | None = None,
    promote_args: tuple[str, ...] | None = None,
    view: bool = False,
    host: Callable[..., Any] | None = None,
    keep_residuals: bool = False,
    registry: dict[str, Op] = OPS,
) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op; a name declared twice is an error.

    Args:
        schema: names, order, types and defaults, as PyTorch documents them.
        promote: ``ALL``, ``FLOAT`` or ``NONE``.
        opmath: compute float16/bfloat16 in float32 and round the floating results once at the end
            (default: on under ALL/FLOAT).
        inplace: also derive ``name_`` (the result is cast to, and must fit, ``self``); ``"only"``: nothing else.
        out: accept ``out=`` in the function form.
        function: give the function form; ``method``: the Tensor method.
        namespaces: where the function form lives: ``torch``, ``nn.functional``, ``special``, ``linalg``, ``fft``…;
            ``_ops`` for internal ones.
        differentiable: False for no gradient at all; a tuple of parameter names restricts it to these.
        grad_name: name of the backward node; default ``CamelName`` + ``Backward0``. A callable gets the schema's
            arguments (tensors as :class:`ArraySpec`).
        pointwise: shapes broadcast, one result of the common shape and the tensors' memory format.
        samples: test inputs (see ``ops/samples.py``).
        promote_args: names of the parameters that take part in promotion (default: all tensors and scalars).
        view: the result aliases the first tensor; needs ``layout_rule``.
        host: a NumPy twin, used when every input already lies on the host (data loading); same parameters.
        keep_residuals: keep the derivative's residuals as outputs of the forward (recurrences, attention) rather
            than recomputing the primal.
        registry: where to declare it (tests use their own).
    """

    def declare(body: Callable[..., Any]) -> Op:
        parsed = parse(schema)
        if parsed.name in registry:
            raise ValueError(f"op {parsed.name!r} is declared twice")
        names = tuple([p.name for p in parsed.params])
        got = parameter_names(body)
        if got != names:
            raise ValueError(f"op {parsed.name!r}: body takes {got}, schema says {names}")
        made = Op(
            parsed, body, promote, (promote != NONE) if opmath is None else opmath, inplace, out and not view,
            function, method, namespaces, differentiable, grad_name, pointwise, samples, promote_args, view, host,
            keep_residuals,
        )  # fmt: skip
        registry[parsed.name] = made
        return made

    return declare


def parameter_names(fn: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the parameters; for a plain function without the cost of ``inspect``."""
    code = getattr(fn, "__code__", None)
    if code is None or hasattr(fn, "__wrapped__") or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return tuple(inspect.signature(fn).parameters)
    return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def camel(name: str) -> str:
    """``add_bias`` -> ``AddBias``: the spelling used in backward node names."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
