"""L-BFGS: a quasi-Newton method with limited memory.

Liu and Nocedal, *On the limited memory BFGS method for large scale optimization*, Mathematical programming 45, 1989;
stopping rules and defaults as in Schmidt's minFunc.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

import torchax_lite as torch

from ..tensor import dispatch
from . import _arrays
from ._line_search import Point, quotient, strong_wolfe
from ._memory import Memory, dot, first_direction, host
from ._record import multi_tensor_results, multi_tensor_update
from ._rule import check_learning_rate
from .optimizer import Optimizer, ParamsT

__all__ = ["LBFGS"]


def _gather(columns: list[list[Any]], scalars: list[Any]) -> list[Any]:
    """All gradients as one vector, and its largest magnitude (and its product with a direction, if one is given)."""
    grads, directions = columns
    flat = jnp.concatenate([_arrays.to_real(grad).reshape(-1) for grad in grads])
    numbers = [jnp.max(jnp.abs(flat)), *(dot(flat, direction) for direction in directions)]
    return [flat, jnp.stack(numbers)]


def _move(columns: list[list[Any]], scalars: list[Any]) -> list[list[Any]]:
    """``p += length * d``, every parameter by its own part of the direction."""
    params, (direction,) = columns
    results, start = [], 0
    for p in params:
        real = _arrays.to_real(p)
        part = direction[start : start + real.size].reshape(real.shape)
        results.append(_arrays.from_real(_arrays.add(real, part, scalars[0]), p))
        start += real.size
    return [results]


class LBFGS(Optimizer):
    """L-BFGS: up to ``max_iter`` quasi-Newton steps in each ``step(closure)``.

    An iteration is two programs: the direction, and the closure at the next point; each ends where the host decides
    how to go on. The closure must compute the loss and its gradients anew.

    Args:
        params: parameters; one group, on one device.
        lr: length of a step (of the first trial, with a line search), a number or a one-element tensor.
        max_iter: iterations in a step.
        max_eval: evaluations of the closure in a step; ``max_iter * 5 // 4`` if None.
        tolerance_grad: stops when no component of the gradient is larger.
        tolerance_change: stops when neither a parameter nor the loss changes by more.
        history_size: steps that are remembered.
        line_search_fn: ``strong_wolfe`` or None.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_learning_rate(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[torch.Tensor]:
        return self.param_groups[0]["params"]

    # Pieces of an iteration --------------------------------------------------------------------------------------

    def _flat_gradient(self, *direction: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        grads = []
        for p in self._params:
            grad = p.grad
            grad = torch.zeros_like(p) if grad is None else grad.to_dense() if grad.is_sparse else grad
            grads.append(grad.detach())
        flat, numbers = multi_tensor_results(_gather, [grads, list(direction)])
        return flat, numbers

    def _move_by(self, direction: torch.Tensor, length: Any) -> None:
        multi_tensor_update(_move, [self._params, [direction]], (float(length),), (), (0,))
        for p in self._params:
            p._storage.aval.recorder.updated = False  # the closure that follows belongs to the same program

    def _evaluate(self, closure: Callable[[], Any], nodes: list[Any], direction: torch.Tensor, length: Any) -> Point:
        """Return the point at a step along the direction; the parameters come back to where they were."""
        self._move_by(direction, length)
        loss = closure()
        flat, numbers = self._flat_gradient(direction)
        for p, node in zip(self._params, nodes):
            dispatch.assign(p, node)
        value = float(loss)
        largest, slope = host(numbers)
        return Point(length, value, slope, flat, largest)

    def _search(
        self, closure: Callable[[], Any], start: Point, direction: torch.Tensor, length: Any, longest: Any, room: int
    ) -> tuple[Point, int]:
        """Move to the point that a line search finds; returns it, and the number of evaluations."""
        nodes = [p._sync() for p in self._params]

        def evaluate(step: Any) -> Point:
            return self._evaluate(closure, nodes, direction, step)

        found, evaluations = strong_wolfe(evaluate, start, length, longest, max_evaluations=room)
        self._move_by(direction, found.step)
        return found, evaluations

    # The step ----------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Iterate until a stopping rule holds; returns the loss before the first iteration.

        Args:
            closure: computes the loss anew (and its gradients) and returns it; called with gradients enabled.
        """
        closure = torch.enable_grad()(closure)
        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        flat, numbers = self._flat_gradient()
        loss = float(first_loss)
        state["func_evals"] += 1
        largest = host(numbers)[0]
        if largest <= group["tolerance_grad"]:
            return first_loss
        self._iterate(closure, group, state, Point(0, loss, None, flat, largest))
        return first_loss

    def _iterate(self, closure: Callable[[], Any], group: dict[str, Any], state: dict[str, Any], point: Point) -> None:
        lr = group["lr"].squeeze() if isinstance(group["lr"], torch.Tensor) else group["lr"]
        lr_value = host(lr)[()] if isinstance(lr, torch.Tensor) else lr
        evaluations = 1
        direction, step, before = state.get("d"), state.get("t"), state.get("prev_flat_grad")
        length = host(step)[()] if isinstance(step, torch.Tensor) else step
        memory = self.__dict__.get("_memory")
        if memory is None or not memory.belongs_to(state, group["history_size"]):
            memory = self._memory = Memory(point.grad, group["history_size"], state)
        last_loss = state.get("prev_loss")
        for n_iter in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            step = lr
            if state["n_iter"] == 1:
                memory = self._memory = Memory(point.grad, group["history_size"], {})
                direction, numbers = multi_tensor_results(first_direction, [[point.grad]])
                slope, longest, total = host(numbers)
                length = min(1.0, quotient(1.0, total)) * lr_value
                step = None
            else:
                direction, (slope, longest) = memory.direction(point.grad, before, direction, length)
                length = lr_value
            before, last_loss = point.grad, point.value
            if slope > -group["tolerance_change"]:
                break
            made = 0
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                start = point._replace(step=0, slope=slope)
                room = group["max_eval"] - evaluations
                point, made = self._search(closure, start, direction, length, longest, room)
                length, step = point.step, None
            else:
                self._move_by(direction, length)
                if n_iter != group["max_iter"]:
                    new = closure()
                    flat, numbers = self._flat_gradient()
                    value = float(new)
                    point = Point(0, value, None, flat, host(numbers)[0])
                    made = 1
            evaluations += made
            state["func_evals"] += made
            if (
                evaluations >= group["max_eval"]
                or point.largest <= group["tolerance_grad"]
                or longest * length <= group["tolerance_change"]
                or abs(point.value - last_loss) < group["tolerance_change"]
            ):
                break
        if state["n_iter"] > 1:
            state["al"] = memory.alphas()
        state["d"] = direction
        state["t"] = self._as_state(length, direction) if step is None else step
        memory.save(state)
        state["prev_flat_grad"] = before
        state["prev_loss"] = last_loss

    @staticmethod
    def _as_state(length: Any, like: torch.Tensor) -> Any:
        """A step length in the state: a tensor where PyTorch computes it from tensors."""
        if isinstance(length, np.generic):
            return torch.tensor(float(length), dtype=like.dtype, device=like.device)
        return length
