"""Calls in PyTorch's less used forms, the same for any module that is torch; :func:`outcome` says what each gives."""

from __future__ import annotations

import warnings
from typing import Any

PRELUDE = """
a = torch.ones(2, 2)
f8 = torch.float8_e4m3fn
left = (torch.arange(32. * 16).reshape(32, 16) % 7 - 3).to(f8)
right = (torch.arange(48. * 16).reshape(48, 16) % 5 - 2).to(f8).t()
S = torch.nn.functional.ScalingType
rows = torch.arange(32.).reshape(8, 4)
experts = torch.arange(32.).reshape(2, 4, 4)
offs = torch.tensor([3, 8], dtype=torch.int32)
"""

CALLS = """
torch.norm(a, 2, None, False, None, torch.float64)
torch.norm(a, p=1, out=torch.ones(()))
a.norm(2, None, False, torch.float64)
torch.repeat_interleave(repeats=torch.tensor([1, 2]))
torch.result_type(tensor=a, other=1)
torch.tensor_split(a, sections=2)
torch.tensor_split(input=a, sections=2, dim=1)
torch.tensor_split(a, indices=(1,), dim=1)
torch.tensor_split(a, tensor_indices_or_sections=torch.tensor(2))
torch.tensor_split(a, indices_or_sections=2)
a.tensor_split(2, 1)
torch.orgqr(input=a, input2=torch.ones(2))
a.orgqr(input2=torch.ones(2))
a.clone().copy_(other=2 * a, non_blocking=True)
a.split(split_size=1)
a.split([1, 1], dim=1)
torch.split(a, split_size_or_sections=1)
torch.split(a, split_size=1)
a.tile(dims=(2,))
a.tile(2, 1)
a.dim_order(ambiguity_check=True)
a.expand(4, 2, 2).dim_order(ambiguity_check=True)
torch.empty(2, 1, 3).dim_order(ambiguity_check=True)
torch.empty(2, 1, 3).dim_order(ambiguity_check=[torch.contiguous_format])
torch.empty(2, 3).t().dim_order(ambiguity_check=[torch.contiguous_format])
torch.empty(2, 3).dim_order(ambiguity_check='x')
torch.linalg.cholesky(input=torch.eye(2))
torch.linalg.det(torch.eye(2), out=torch.ones(()))
torch.linalg.slogdet(torch.eye(2), out=(torch.ones(()), torch.ones(())))
torch.linalg.norm(input=torch.eye(2))
torch.sort(torch.ones(2), out=(torch.ones(2), torch.ones(2, dtype=torch.long)))
torch.return_types.max_out((torch.ones(1), torch.ones(1)))
[c.__name__ for c in torch.return_types.all_return_types]
[(c.__name__, c.n_fields, c.__match_args__) for c in torch.return_types.all_return_types]
torch.utils._pytree.tree_map(lambda x: x + 1, torch.sort(torch.zeros(2)))
torch.distributed.ReduceOp(torch.distributed.ReduceOp.SUM).op.name
torch.distributed._make_nccl_premul_sum(2.0).factor
torch.Generator().graphsafe_get_state()
torch.GradScaler('cpu', enabled=False).is_enabled()
torch.bitwise_not(torch.ones(2))
~torch.ones(2)
gradient_of_the_first(torch.igamma)
gradient_of_the_first(torch.igammac)
gradient_of_the_second(torch.igamma)
gradient_of_the_second(torch.igammac)
torch.nn.functional.grouped_mm(rows, experts, offs=offs)
torch.nn.functional.grouped_mm(rows.reshape(2, 4, 4), torch.arange(32.).reshape(4, 8), offs=offs)
torch.nn.functional.grouped_mm(torch.ones(4, 8), torch.arange(32.).reshape(8, 4), offs=offs)
torch.nn.functional.grouped_mm(torch.ones(2, 4, 8), torch.ones(2, 8, 4))
torch.nn.functional.grouped_mm(rows, experts)
torch.nn.functional.grouped_mm(rows, experts, offs=offs.long())
torch.nn.functional.grouped_mm(rows.double(), experts.double(), offs=offs)
torch.nn.functional.grouped_mm(rows, torch.ones(2, 5, 4), offs=offs)
torch.nn.functional.grouped_mm(rows, experts, offs=offs, out_dtype=torch.bfloat16)
torch.nn.functional.scaled_mm(left, right, torch.tensor(1.), S.TensorWise, torch.tensor(2.), S.TensorWise)[:3, :4]
torch.nn.functional.scaled_mm(left, right, torch.ones(32, 1), S.RowWise, torch.full((1, 48), .5), S.RowWise)[:3, :4]
torch.nn.functional.scaled_mm(left, left, torch.tensor(1.), S.TensorWise, torch.tensor(2.), S.TensorWise)
torch.autograd.variable([1., 2.])
a.norm(p=torch.tensor(3.))
a.std(correction=torch.tensor(0))
torch.nn.functional.interpolate(a[None], size=torch.tensor(5)).shape
torch.nn.functional.interpolate(a[None], size=(torch.tensor(3),)).shape
torch.nn.functional.linear([1, 2], a)
[str(torch.device(s)) for s in ('mps', 'xpu:1', 'hpu', 'cuda:5')]
torch.device('float64')
torch.device('cuda:01')
torch.device('')
torch.device('foo:1')
torch.device(0)
(torch.arange(10.) / 10).tolist()
(torch.arange(10.) / torch.tensor(7.)).tolist()
(rows / rows[:, :1].add(3)).tolist()
torch.nn.functional.mse_loss(torch.arange(3.), torch.zeros(3)).item()
rows[1, :3].mean().item()
torch.nn.functional.avg_pool1d(rows[None], 3).tolist()
torch.tensor([0.5, 1., 3., 20.]).lgamma()
torch.relu(torch.tensor([-0.0, 0.0]))
torch.tensor([-0.0, 0.0]).clamp(min=0.)
torch.maximum(torch.tensor([-0., 0.]), torch.tensor([0., -0.]))
torch.nansum(torch.ones(2, dtype=torch.int64), out=torch.empty((), dtype=torch.int32))
torch.logsumexp(torch.tensor([1j, 2 + 3j]), 0, out=torch.empty(()))
rows.clone().requires_grad_()[0].add_(1)
torch.arange(4.).view(2, 2).requires_grad_().add_(1)
torch.nn.Parameter(torch.arange(4.).view(2, 2))[0].zero_()
torch.arange(4.).view(2, 2).requires_grad_().view(4).mul_(2)
a.clone().requires_grad_().sum().grad_fn.metadata
"""


def gradient(torch: Any, fn: Any, position: int) -> Any:
    values = [torch.tensor([0.5, 1.5]), torch.tensor([1.0, 2.0])]
    values[position].requires_grad_()
    fn(*values).sum().backward()
    return values[position].grad


def outcome(torch: Any) -> dict[str, str]:
    """Call -> its result as text, or the class and leading words of its error."""
    space: dict[str, Any] = {
        "torch": torch,
        "gradient_of_the_first": lambda fn: gradient(torch, fn, 0),
        "gradient_of_the_second": lambda fn: gradient(torch, fn, 1),
    }
    exec(PRELUDE, space)
    found = {}
    for call in CALLS.strip().split("\n"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[call] = str(eval(call, space))
        except Exception as error:  # noqa: BLE001
            found[call] = f"!{type(error).__name__}: {str(error).partition(chr(10))[0][:100]}"
    return found
