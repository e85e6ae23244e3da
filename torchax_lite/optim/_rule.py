"""``RuleOptimizer``: the step that all the update rules share.

An algorithm gives its formula (an :class:`~._update.Update`), its state and its rates; a step is then one recorded
op for each parameter group and device, whatever ``foreach``, ``fused`` and ``capturable`` say: PyTorch's choices of
an implementation are accepted where PyTorch accepts them and select nothing else here. ``differentiable=True``
computes by tensor operations instead, which autograd records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import ml_dtypes
import numpy as np

import torchax_lite as torch

from ..engine import CPU
from ..tensor.creation import on_place
from . import _arrays
from ._record import multi_tensor_update
from ._update import Update
from .optimizer import Optimizer, _use_grad_for_differentiable

CAPTURABLE_DEVICES = ["cuda", "xpu", "hpu", "privateuseone", "xla"]
FUSED_DEVICES = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "xla", "privateuseone"]


def check_rate(name: str, value: Any) -> None:
    """Raise PyTorch's error unless ``0 <= value``."""
    if not 0.0 <= value:
        raise ValueError(f"Invalid {name}: {value}")


def check_one_element(lr: Any) -> None:
    """Raise PyTorch's error for a learning rate that is a tensor of several elements."""
    if isinstance(lr, torch.Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")


def check_learning_rate(lr: Any) -> None:
    """Raise PyTorch's error unless ``lr`` is a non-negative number or one-element tensor."""
    check_one_element(lr)
    if not 0.0 <= lr:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_betas(betas: tuple[Any, Any]) -> None:
    """Raise PyTorch's error unless both are in [0, 1)."""
    for i, beta in enumerate(betas[:2]):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")


def check_fused(optimizer: Optimizer, fused: bool | None, foreach: bool | None, differentiable: bool) -> None:
    """Raise PyTorch's error for options that exclude ``fused``; a fused optimizer undoes a loss scale by itself."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if fused:
        optimizer._step_supports_amp_scaling = True  # type: ignore[attr-defined]


def number_dtype() -> torch.dtype:
    """The dtype of a state's numbers (``step`` ...): float64 if that is the default dtype, else float32."""
    return torch.float64 if torch.get_default_dtype() == torch.float64 else torch.float32


def lerp_from_start(beta: Any) -> bool | None:
    """From which end a running mean that keeps ``beta`` is interpolated: known, so that the program has one branch.

    None if the program has to find out: ``beta`` is a tensor, or so near to 0.5 that the dtype decides.
    """
    if isinstance(beta, torch.Tensor) or abs(beta - 0.5) < 1e-2:
        return None
    return bool(beta > 0.5)


_NUMPY_DTYPES = {
    torch.float64: np.float64,
    torch.float32: np.float32,
    torch.float16: np.float16,
    torch.complex64: np.complex64,
    torch.complex128: np.complex128,
}


def full_like(p: torch.Tensor, value: complex = 0.0, shape: Sequence[int] | None = None) -> torch.Tensor:
    """Return state in the shape (unless another is given), dtype and layout of ``p``, filled with a number.

    On the CPU it is made by NumPy: the first step's program then reads it as later steps' programs do, and so is the
    same program.
    """
    dtype = _NUMPY_DTYPES.get(p.dtype)
    if dtype is None or p.device.type != "cpu" or not p.is_contiguous():
        if shape is not None:
            return p.detach().new_full(shape, value)
        return torch.full_like(p, value, memory_format=torch.preserve_format, requires_grad=False)
    return on_place(np.full(p.shape if shape is None else shape, value, dtype), CPU)


class HostNumber:
    """A 0-dim state tensor whose value the host keeps: counting steps records no op.

    Attributes:
        tensor: the tensor in the state.
        array: the tensor's own memory; a copy, written back at each change, if it is not on the CPU or in a dtype that
            NumPy lacks.
        copied: the array is a copy.
    """

    __slots__ = ("array", "copied", "tensor")

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor
        value = tensor.detach().cpu()
        small = value.dtype in (torch.bfloat16, torch.float16)
        self.copied = small or tensor.device.type != "cpu"
        self.array = (value.float() if small else value).numpy()

    def set(self, value: float) -> None:
        """Give the tensor a new value."""
        if self.copied:
            value = self.rounded(value)
            self.tensor.detach().fill_(value)
        self.array[()] = value

    def rounded(self, value: float) -> float:
        """The value in the tensor's dtype."""
        if self.tensor.dtype is torch.bfloat16:
            return float(ml_dtypes.bfloat16(value))
        return float(np.float16(value)) if self.tensor.dtype is torch.float16 else value


def _divided(columns: list[list[Any]], scalars: list[Any]) -> list[list[Any]]:
    grads, (scale,) = columns
    return [[_arrays.div(grad, scale) for grad in grads]]


class RuleOptimizer(Optimizer):
    """An optimizer whose step is one :class:`~._update.Update` for each group."""

    rule: ClassVar[Update]
    #: State names that are host numbers; ``step`` counts the updates.
    host_names: ClassVar[tuple[str, ...]] = ("step",)
    #: What must lie on the accelerator when capturable, in the words of PyTorch's error.
    placed: ClassVar[str] = "params and state_steps"
    #: The update by sparse gradients, where there is one.
    sparse_rule: ClassVar[Any] = None
    #: Whether the formula interpolates a running mean that keeps ``betas[0]``.
    interpolates: ClassVar[bool] = False
    #: Options that state saved by an early PyTorch lacks, and their values.
    newer_options: ClassVar[dict[str, Any]] = {"foreach": None, "maximize": False, "differentiable": False}

    # What an algorithm defines -----------------------------------------------------------------------------------

    def _new_state(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """Return the state of a parameter before its first update."""
        raise NotImplementedError

    def _state_columns(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the state tensors that the formula reads."""
        raise NotImplementedError

    def _rates(self, group: dict[str, Any]) -> dict[str, Any]:
        """Return the numbers that all parameters of the group share."""
        raise NotImplementedError

    def _advance(
        self, group: dict[str, Any], rates: dict[str, Any], values: tuple[float, ...]
    ) -> tuple[tuple[float, ...], dict[str, Any]]:
        """Return a parameter's next host numbers, and the rates of this update that follow from them.

        ``values`` are the present ones, in the order of ``host_names``. Pure: parameters with equal values share the
        result.
        """
        return (values[0] + 1,), {}

    def _flags(self, group: dict[str, Any]) -> dict[str, Any]:
        """Return the formula's switches."""
        flags: dict[str, Any] = {"maximize": bool(group["maximize"]), "decay": group.get("weight_decay", 0) != 0}
        if "decoupled_weight_decay" in self.defaults:
            flags["decoupled"] = bool(group["decoupled_weight_decay"])
        if self.interpolates:
            flags["from_start"] = lerp_from_start(group["betas"][0])
        return flags

    # The step ----------------------------------------------------------------------------------------------------

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; returns the closure's loss.

        Args:
            closure: computes the loss anew (and its gradients) and returns it; called with gradients enabled.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if getattr(self, "grad_scale", None) is not None or getattr(self, "found_inf", None) is not None:
            if not self._unscale():
                return loss
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _unscale(self) -> bool:
        """Undo a ``GradScaler``'s scaling (fused optimizers do it themselves); False if the step is to be left out."""
        found = getattr(self, "found_inf", None)
        if found is not None and float(found):
            return False
        scale = getattr(self, "grad_scale", None)
        grads = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        if scale is not None and grads:
            multi_tensor_update(_divided, [grads, [scale.to(grads[0].device)]], (), (), (0,))
        return True

    def _step_group(self, group: dict[str, Any]) -> None:
        rates = self._rates(group)
        differentiable = bool(group.get("differentiable"))
        if not differentiable:
            rates = {name: self._as_rate(name, value) for name, value in rates.items()}
        placed = group.get("capturable") or group.get("fused")
        known: dict[tuple[float, ...], tuple[tuple[float, ...], dict[str, Any]]] = {}
        params, grads, states, own = [], [], [], []
        sparse = False
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            if grad._own_layout and grad.is_sparse:
                self._check_sparse(group)
                sparse = True
            if placed:
                self._check_placement(p, group)
            state = self._state_of(p, group)
            numbers = self._numbers_of(p, state)
            values = self._values(p, group, state, numbers)
            entry = known.get(values)
            if entry is None:
                entry = known[values] = self._advance(group, rates, values)
            for number, value in zip(numbers, entry[0]):
                number.set(value)
            params.append(p)
            grads.append(grad)
            states.append(state)
            own.append(entry[1])
        if sparse:
            self._apply_sparse(group, rates, *self._take_sparse(params, grads, states, own))
        if not params:
            return
        apply = self.rule.differentiate if differentiable else self.rule.record
        columns: dict[str, list[Any]] = {"param": params, "grad": grads}
        self._apply_group(group, columns, states, rates, own, self._flags(group), apply)

    def _apply_group(
        self,
        group: dict[str, Any],
        columns: dict[str, list[Any]],
        states: list[dict[str, Any]],
        rates: dict[str, Any],
        own: list[Any],
        flags: dict[str, Any],
        apply: Callable,
    ) -> None:
        """Update the parameters of a group that have dense gradients."""
        for name in self._state_columns(group):
            columns[name] = [state[name] for state in states]
        self._apply(columns, rates, own, flags, apply)

    @staticmethod
    def _apply(
        columns: dict[str, list[Any]], rates: dict[str, Any], own: list[Any], flags: dict[str, Any], apply: Callable
    ) -> None:
        """Apply an update to the parameters of each device."""
        params = columns["param"]
        place = params[0]._aval.place
        if all(p._aval.place is place for p in params):
            apply(columns, rates, own, flags)
            return
        for device in {p.device: None for p in params}:
            here = [i for i, p in enumerate(params) if p.device == device]
            part = {name: [column[i] for i in here] for name, column in columns.items()}
            apply(part, rates, [own[i] for i in here], flags)

    @staticmethod
    def _take_sparse(*columns: list[Any]) -> list[list[Any]]:
        """Take out of the lists what belongs to sparse gradients (the second list), and return it."""
        where = [grad.is_sparse for grad in columns[1]]
        taken = [[entry for entry, is_sparse in zip(column, where) if is_sparse] for column in columns]
        for column in columns:
            column[:] = [entry for entry, is_sparse in zip(column, where) if not is_sparse]
        return taken

    def _apply_sparse(
        self,
        group: dict[str, Any],
        rates: dict[str, Any],
        params: list[Any],
        grads: list[Any],
        states: list[dict[str, Any]],
        own: list[dict[str, Any]],
    ) -> None:
        """Update the rows that sparse gradients have."""
        if group.get("differentiable"):
            raise NotImplementedError(f"{type(self).__name__}: differentiable=True with sparse gradients")
        from ..sparse._tensor import raw_parts  # zeros of a padding row among them: shapes that no data decides

        parts = [raw_parts(grad) for grad in grads]
        here = [i for i, (_, values) in enumerate(parts) if values.numel()]
        if not here:
            return
        columns: dict[str, list[Any]] = {
            "param": [params[i] for i in here],
            "indices": [parts[i][0] for i in here],
            "values": [parts[i][1] for i in here],
        }
        for name in self._state_columns(group):
            columns[name] = [states[i][name] for i in here]
        self._apply(columns, rates, [own[i] for i in here], self._flags(group), self.sparse_rule.record)

    @staticmethod
    def _as_rate(name: str, value: Any) -> Any:
        """A learning rate that is a tensor stays one, and is read within the program; all else is a number."""
        if name == "lr" and isinstance(value, torch.Tensor):
            return value
        return float(value)

    def _state_of(self, p: torch.Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = self.state[p]
        if not state:
            state.update(self._new_state(p, group))
        return state

    def _new_number(self, p: torch.Tensor, group: dict[str, Any], value: float = 0.0) -> torch.Tensor:
        """Return a 0-dim state tensor, beside the parameter if the group is capturable or fused, else on the CPU."""
        if group.get("fused") or group.get("capturable"):
            dtype = torch.float32 if group.get("fused") else number_dtype()
            return torch.tensor(value, dtype=dtype, device=p.device)
        return torch.tensor(value, dtype=number_dtype(), device="cpu")

    def _numbers_of(self, p: torch.Tensor, state: dict[str, Any]) -> list[HostNumber]:
        """Return the parameter's host numbers, made anew where the state's tensors are others by now."""
        table: dict[int, list[HostNumber]] = self.__dict__.setdefault("_host_numbers", {})
        numbers = table.get(id(p))
        if numbers is not None:
            for n, name in zip(numbers, self.host_names):
                if n.tensor is not state[name]:
                    break
            else:
                return numbers
        numbers = table[id(p)] = [HostNumber(state[name]) for name in self.host_names]
        return numbers

    def _values(
        self, p: torch.Tensor, group: dict[str, Any], state: dict[str, Any], numbers: list[HostNumber]
    ) -> tuple[float, ...]:
        """Return what :meth:`_advance` depends on."""
        return tuple([number.array.item() for number in numbers])

    def _check_placement(self, p: torch.Tensor, group: dict[str, Any]) -> None:
        kind = p.device.type
        if group.get("capturable") and kind not in CAPTURABLE_DEVICES:
            raise AssertionError(
                f"If capturable=True, {self.placed} must be on supported devices: {CAPTURABLE_DEVICES}."
            )
        if group.get("fused") and not (kind in FUSED_DEVICES and p.is_floating_point()):
            raise RuntimeError(
                "`fused=True` requires all the params to be floating point Tensors of supported devices: "
                f"{FUSED_DEVICES} but {p.dtype} and {kind}"
            )

    def _check_sparse(self, group: dict[str, Any]) -> None:
        """Raise PyTorch's error unless sparse gradients can be used."""
        raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore; options that an older file lacks are set, and step counts become tensors."""
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self.newer_options.items():
                group.setdefault(name, value)
            for p in group["params"]:
                known = self.state.get(p, {})
                for name in self.host_names:
                    if name in known and not isinstance(known[name], torch.Tensor):
                        known[name] = self._new_number(p, group, float(known[name]))
