"""Views whose base or themselves may not be changed in place with gradients: why, and the error for it."""

from __future__ import annotations

from typing import Any

MULTI = 1
"""One of several views that an op returned together."""
FUNCTION = 2
"""A view that a custom Function returned (or one of its inputs, returned as it is)."""
NO_GRAD = 3
"""A view made in no_grad mode of a tensor that requires grad."""
INFERENCE = 4
"""A view made in inference mode of a tensor that requires grad."""

_WHY = {
    MULTI: "This view is the output of a function that returns multiple views. Such functions do not allow the output views "
    "to be modified inplace. You should replace the inplace operation by an out-of-place one.",
    FUNCTION: "This view was created inside a custom Function (or because an input was returned as-is) and the autograd "
    "logic to handle view+inplace would override the custom backward associated with the custom Function, leading to "
    "incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function.",
    NO_GRAD: "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving "
    "both the view and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or "
    "both outside (if you want the inplace to be tracked).",
    INFERENCE: "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving "
    "both the view and the inplace either both inside the inference_mode block (if you don't want the inplace to be "
    "tracked) or both outside (if you want the inplace to be tracked).",
}


def forbidden_write(view: Any, through_base: bool) -> RuntimeError:
    """The error for a view that was changed itself, or ``through_base`` or another view of the base."""
    from ..autograd.saved import short_name

    changed = "its base or another view of its base has been" if through_base else "is being"
    fn = view._grad_fn
    if fn is not None:
        what = f"Output {view._output_nr} of {short_name(fn)} is a view and {changed} modified inplace."
    elif view._multi_view == INFERENCE:
        what = f"A view was created in inference mode and {changed} modified inplace in normal mode."
    else:
        what = f"A view was created in no_grad mode and {changed} modified inplace with grad mode enabled."
    return RuntimeError(f"{what} {_WHY[view._multi_view]}")
