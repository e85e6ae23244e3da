"""Optax transformations as optimizers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..tensor.tensor import Tensor
from .arrays import from_jax, to_jax
from .wrapped import wrap_jax


def optax_optimizer(params: Iterable[Tensor], tx: Any) -> Any:
    """An optimizer that updates parameters by an optax transformation: ``zero_grad()``, ``step()``, ``state_dict()``.

    The update of all parameters is one op of the program in which the gradients are computed. A parameter without a
    gradient counts as one with a gradient of zeros. Learning rates belong to ``tx`` (an optax schedule, say);
    ``torch.optim.lr_scheduler`` has nothing to change.

    Args:
        params: the parameters.
        tx: an ``optax.GradientTransformation``.

    Raises:
        ImportError: without optax.
    """
    try:
        import optax
    except ImportError as error:
        raise ImportError("interop.optax_optimizer needs optax: pip install optax") from error
    import jax

    from ..autograd import enable_grad, no_grad
    from ..optim import Optimizer

    def start(values: list[Any]) -> Any:
        return tx.init(values)

    def update(values: list[Any], grads: list[Any], state: list[Any]) -> Any:
        updates, new = tx.update(grads, jax.tree.unflatten(structure, state), values)
        return optax.apply_updates(values, updates), jax.tree.leaves(new)

    class OptaxOptimizer(Optimizer):
        """See :func:`optax_optimizer`."""

        optax_state: list[Tensor]

        def __init__(self, params: Iterable[Tensor]) -> None:
            super().__init__(params, {})
            if len(self.param_groups) != 1:
                raise NotImplementedError(
                    "optax_optimizer: one group of parameters; optax.multi_transform makes several"
                )

        def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
            """Update every parameter; returns what the closure returns."""
            loss = None
            if closure is not None:
                with enable_grad():
                    loss = closure()
            own: list[Any] = self.param_groups[0]["params"]
            with no_grad():
                values = [p.detach() for p in own]
                grads = [
                    v.new_zeros(v.shape) if p.grad is None else p.grad.detach()
                    for v, p in zip(values, own, strict=True)
                ]
                new, self.optax_state = run(values, grads, self.optax_state)
                for p, value in zip(own, new, strict=True):
                    p.copy_(value)
            return loss

        def state_dict(self) -> dict[str, Any]:
            """The leaves of optax's state, and the parameter group."""
            return {"optax_state": list(self.optax_state), **super().state_dict()}

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            """Take over a state of the same transformation and parameters."""
            rest = dict(state_dict)
            found = rest.pop("optax_state")
            now = [(t.shape, t.dtype) for t in self.optax_state]
            if [(t.shape, t.dtype) for t in found] != now:
                raise ValueError(
                    "loaded state dict holds the state of another optax transformation or other parameters"
                )
            super().load_state_dict(rest)
            self.optax_state = [t.detach().clone() for t in found]

        def add_param_group(self, param_group: dict[str, Any]) -> None:
            """Only at construction."""
            if self.param_groups:
                raise NotImplementedError("optax_optimizer: parameters cannot be added to an existing optax state")
            super().add_param_group(param_group)

    run = wrap_jax(update, name="optax_update")
    made = OptaxOptimizer(params)
    with no_grad():
        initial = start([to_jax(p.detach()) for p in made.param_groups[0]["params"]])
    leaves, structure = jax.tree.flatten(initial)
    made.optax_state = [from_jax(jax.numpy.asarray(x)) for x in leaves]
    return made
