"""The dtype names and number formats of PyTorch's messages about random fills."""

import ml_dtypes
import numpy as np

__all__ = ["BFLOAT16", "SIGNIFICAND_BITS", "cpp_name", "largest", "not_implemented", "number", "require", "scalar_name"]

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)

# bits of the significand, the implicit one included, of each dtype that can be filled with real samples
SIGNIFICAND_BITS = {np.dtype(np.float64): 53, np.dtype(np.float32): 24, np.dtype(np.float16): 11, BFLOAT16: 8}

# dtype: (the scalar type's name, the C++ type's name)
_NAMES = {
    np.dtype(np.bool_): ("Bool", "bool"),
    np.dtype(np.uint8): ("Byte", "unsigned char"),
    np.dtype(np.int8): ("Char", "signed char"),
    np.dtype(np.int16): ("Short", "short int"),
    np.dtype(np.int32): ("Int", "int"),
    np.dtype(np.int64): ("Long", "long int"),
    np.dtype(np.uint16): ("UInt16", "short unsigned int"),
    np.dtype(np.uint32): ("UInt32", "unsigned int"),
    np.dtype(np.uint64): ("UInt64", "long unsigned int"),
    np.dtype(np.float16): ("Half", "c10::Half"),
    BFLOAT16: ("BFloat16", "c10::BFloat16"),
    np.dtype(np.float32): ("Float", "float"),
    np.dtype(np.float64): ("Double", "double"),
    np.dtype(np.complex64): ("ComplexFloat", "c10::complex<float>"),
    np.dtype(np.complex128): ("ComplexDouble", "c10::complex<double>"),
}


def scalar_name(dtype: np.dtype) -> str:
    """PyTorch's scalar type name: ``Long`` for int64."""
    return _NAMES[dtype][0] if dtype in _NAMES else dtype.name.capitalize()


def cpp_name(dtype: np.dtype) -> str:
    """The C++ type's name as PyTorch prints it: ``long int`` for int64."""
    return _NAMES[dtype][1] if dtype in _NAMES else dtype.name


def number(value: float) -> str:
    """``value`` as a C++ stream prints a double: six significant digits."""
    return format(value, "g")


def largest(dtype: np.dtype) -> float:
    """The largest finite value of a floating dtype."""
    return float(ml_dtypes.finfo(dtype).max)


def require(condition: bool, message: str) -> None:
    """Raise ``RuntimeError(message)`` unless the condition holds."""
    if not condition:
        raise RuntimeError(message)


def not_implemented(kernel: str, dtype: np.dtype) -> NotImplementedError:
    """The error of a kernel that has no version for the dtype."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_name(dtype)}'")
