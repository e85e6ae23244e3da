"""``pow``: fixed small exponents become multiplications, other numbers enter the program as inputs."""

from __future__ import annotations

from typing import Any

from ..ops.registry import OPS
from . import dispatch, dtypes
from .overloads import invalid_combination
from .tensor import Tensor

_static, _tensor = OPS["pow.static"], OPS["pow.Tensor_Tensor"]
_number, _of_number = OPS["pow.Tensor_Scalar"], OPS["pow.Scalar"]
_FIXED = {-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0}


def _route(input: Any, exponent: Any) -> tuple[Any, tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
    if isinstance(input, Tensor):
        if isinstance(exponent, Tensor):
            return _tensor, (input, exponent), (), ()
        number = dispatch.python_number(exponent)
        if number is not None:
            keeps_dtype = not isinstance(number, float) or dtypes.category(input.dtype) >= 2
            if (
                not isinstance(number, (complex, bool))
                and number in _FIXED
                and keeps_dtype
                and input.dtype is not dtypes.bool_
            ):
                return _static, (input,), (), (float(number),)
            return _number, (input,), (number,), ()
    elif isinstance(exponent, Tensor):
        number = dispatch.python_number(input)
        if number is not None:
            return _of_number, (exponent,), (number,), ()
    raise TypeError(invalid_combination("pow", (_tensor, _of_number, _number), (input, exponent), {}))


def pow(input: Any, exponent: Any, *, out: Any = None) -> Any:
    """``input ** exponent``, broadcast; either may be a number."""
    op, tensors, scalars, statics = _route(input, exponent)
    if out is not None:
        return dispatch.call_out(op, tensors, scalars, statics, out)
    return dispatch.call(op, tensors, scalars, statics)


def pow_method(self: Tensor, exponent: Any) -> Any:
    """``self ** exponent``, broadcast."""
    return pow(self, exponent)


def pow_(self: Tensor, exponent: Any) -> Any:
    """In-place form of ``pow``."""
    op, tensors, scalars, statics = _route(self, exponent)
    return dispatch.call_inplace(op, tensors, scalars, statics)


Tensor.pow = pow_method
Tensor.pow_ = pow_
