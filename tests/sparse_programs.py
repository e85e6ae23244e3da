"""Expressions of sparse tensors, the same for any module that is torch; :func:`outcome` says what each gives."""

from __future__ import annotations

import contextlib
import io
import pickle
import re
import warnings
from typing import Any

PRELUDE = """
i = torch.tensor([[0, 1, 1], [2, 0, 2]])
v = torch.tensor([3., 4., 5.])
x = torch.arange(6.).reshape(3, 2)
d = torch.tensor([[1., 0, 2], [0, 0, 3]])
s = torch.sparse_coo_tensor(i, v, (2, 3))
c = s.coalesce()
u = torch.sparse_coo_tensor(torch.tensor([[0, 1, 0], [2, 0, 2]]), v, (2, 3))
h = torch.sparse_coo_tensor(torch.tensor([[1, 0]]), torch.tensor([[1., 2.], [3., 4.]]), (3, 2))
r = d.to_sparse_csr()
e = torch.eye(3).to_sparse()
"""

SHOWN = """
s; c; u; h; r; d.to_sparse_csc(); d.to_sparse_bsr((1, 1)); d.to_sparse_bsc((1, 3)); u.coalesce(); s.layout, r.layout
s.is_sparse, r.is_sparse, r.is_sparse_csr; c.indices(), c.values(), s._nnz(), c.is_coalesced(), s.is_coalesced()
s.sparse_dim(), s.dense_dim(), h.sparse_dim(), h.dense_dim(); r.crow_indices(), r.col_indices(), r.values()
s.type(), s.double().type(); s.shape, s.dtype, s.numel(), s.dim(), s.stride(), s.is_contiguous(), len(s)
s[0]; s[0, 0]; h[1]; s[:, 1]; list(s); s + s; c + c; d + s; d - s; s * 2; 2 * s; s / 2; s * s; s * d; d * s; s - s; -s
s * torch.tensor(2.); s.sum(); s.sum(0); s.sum(0, keepdim=True); s.sum((0, 1)); s.sum(dtype=torch.float64)
torch.sparse.sum(s); torch.sparse.sum(s, 0); torch.sparse.sum(s, 1); torch.sparse.sum(h, [0, 1]); torch.sparse.sum(h, 1)
s @ x; s.mm(x); s @ torch.ones(3); x.t() @ s.t(); s @ s.t(); torch.sparse.mm(s, x); torch.sparse.mm(s, s.t())
torch.sparse.mm(r, x, 'mean'); torch.sparse.mm(r, x, 'amax'); torch.addmm(torch.ones(2, 2), s, x)
torch.sparse.addmm(torch.ones(2, 2), s, x, beta=2, alpha=3); r @ x; r @ torch.ones(3); r @ r.t(); x.t() @ r.t()
torch.mv(s, torch.ones(3)); s.t(); s.transpose(0, 1); r.t(); s.permute(1, 0); s.T; s.abs(); s.sqrt(); s.sin(); s.relu()
u.sin(); u.abs(); s.pow(2); s ** 2; s.sign(); s.isnan(); s.log1p(); torch.tanh(s); s.clone(); s.detach(); s.double()
s.to(torch.int64); s.float() is s; s.bool(); s.index_select(0, torch.tensor([1])); s.index_select(1, torch.tensor([2, 0]))
h.index_select(1, torch.tensor([1])); s.to_dense(); r.to_dense(); s.to_sparse(); d.to_sparse(); d.to_sparse(1)
d.to_sparse(layout=torch.sparse_csr); s.to_sparse_csr(); u.to_sparse_csr(); r.to_sparse(); r.to_sparse_csc()
d.to_sparse().is_coalesced(); d.sparse_mask(c); d.sparse_mask(r); torch.sparse.softmax(s, 1); torch.sparse.softmax(s, 0)
torch.sparse.log_softmax(s, 1); torch.sparse.sampled_addmm(r, torch.ones(2, 3), torch.ones(3, 3))
torch.sparse.spdiags(torch.arange(9).reshape(3, 3), torch.tensor([0, -1, 2]), (3, 3))
torch.sparse.spdiags(torch.arange(9).reshape(3, 3), torch.tensor([0, -1, 2]), (3, 3), layout=torch.sparse_csr)
torch.sparse_coo_tensor((2, 3)); torch.sparse_coo_tensor(i, v); torch.sparse_coo_tensor([[0, 1]], [1., 2.])
torch.sparse_coo_tensor([[0, 1]], [1, 2], (3,), dtype=torch.float64); torch.zeros(2, 3, layout=torch.sparse_coo)
torch.zeros(2, 3, layout=torch.sparse_csr); torch.zeros_like(s); torch.cat([s, s]); torch.cat([s, s], 1)
torch.stack([s, s]); s.unsqueeze(0); s.norm(); u.norm(); s.any(); s.narrow_copy(0, 0, 1)
s.clone().sparse_resize_and_clear_((3, 3), 1, 1); s.clone().sparse_resize_((3, 3), 2, 0); s.clone().zero_()
torch.bmm(torch.ones(2, 2, 2).to_sparse(), torch.ones(2, 2, 2)); r + r; r * 2; r + d; d + r; r * r; r * d; r.sin(); r.sum()
r.sum(1, keepdim=True); r[0]; r[0, 0]; r.clone(); r.double(); -r; r.mul(2)
torch.sparse_csr_tensor([0, 1, 2], [0, 1], [1., 2.]); torch.sparse_csc_tensor([0, 1, 2], [0, 1], [1., 2.])
torch.sparse_bsr_tensor([0, 1, 2], [0, 1], [[[1., 2.]], [[3., 4.]]])
torch.sparse_bsc_tensor([0, 1, 2], [0, 1], [[[1., 2.]], [[3., 4.]]]).to_dense()
torch.sparse_compressed_tensor([0, 1, 2], [0, 1], [1., 2.], layout=torch.sparse_csr)
-u; u * 2; u.t(); u + u; u * u; u * torch.ones(2, 3); u.relu(); u.sum(0); torch.sparse.softmax(u, 1); u.clone(); u[0]
u.clone().neg_(); u.clone().mul_(2); u.clone().div_(2); u.clone().add_(u); u.new_zeros((2, 2)); torch.typename(u)
torch.sparse_coo_tensor([[1, 0]], [1., 2.], (2,)) + torch.sparse_coo_tensor([[0]], [1.], (2,))
torch.sparse_coo_tensor([[1, 0]], [1, 2], (2,)) / 2; torch.sparse_coo_tensor([[1, 1]], [True, True], (2,)).to_dense()
torch.sparse_coo_tensor([[0, 1, 2]], [1., 2., 3.], (3,)) * torch.sparse_coo_tensor([[1, 2]], [1., 2.], (3,))
e * torch.ones(3); torch.ones(2, 3) @ e; torch.ones(2, 3) @ e.to_sparse_csr(); torch.eye(4).to_sparse_bsr((2, 2)) @ torch.ones(4, 2)
torch.eye(4).to_sparse_csc() @ torch.ones(4, 2); torch.stack([torch.eye(2), 2 * torch.eye(2)]).to_sparse_csr()
torch.stack([torch.eye(2), 2 * torch.eye(2)]).to_sparse_csr().to_dense(); torch.ones(2, 2, 2).to_sparse_csr(dense_dim=1)
torch.tensor(3.).to_sparse(); torch.eye(2, dtype=torch.complex64).to_sparse(); torch.eye(2, dtype=torch.bfloat16).to_sparse()
torch.eye(40).to_sparse(); torch.eye(3).add_(e); torch.eye(3).mul_(e); torch.nn.functional.linear(torch.ones(2, 3), e)
torch.addmm(torch.ones(3, 2), e.to_sparse_csr(), torch.ones(3, 2), beta=2); pickle.loads(pickle.dumps(s)); copy.deepcopy(s)
pickle.loads(pickle.dumps(h)).is_coalesced(); torch.nn.Parameter(s); isinstance(torch.nn.Parameter(s), torch.nn.Parameter)
d.sparse_dim(), d.dense_dim(), d.to_dense(); torch.sparse.check_sparse_tensor_invariants.is_enabled()
(s.t().is_coalesced(), c.t().is_coalesced(), (c * c).is_coalesced(), c.clone().is_coalesced(), s[0].is_coalesced())
((-c).is_coalesced(), c.unsqueeze(0).is_coalesced(), torch.cat([c, c]).is_coalesced(), (c + c).is_coalesced())
"""

REFUSED = """
s.indices(); s.values(); s.cos(); s.exp(); s.storage(); s.data_ptr(); s.numpy(); s.tolist(); s.item(); bool(s); s + d; s - d
s / d; s + 1; s ** 0; s.view(3, 2); s.reshape(3, 2); s == s; s.max(); s.mean(); s.to_dense(dtype=torch.float64)
d.to_sparse(3); x.t() @ s; e @ torch.ones(2, 2); e @ torch.ones(2); e + torch.ones(2).to_sparse(); torch.ones(3) + e
e.double() @ torch.ones(3, 2); r.indices(); s.crow_indices(); d.indices(); d.values(); d.coalesce(); d.is_coalesced()
d.crow_indices(); s.ccol_indices(); r.coalesce(); r.is_coalesced(); r.index_select(0, torch.tensor([0])); r.sum(1); s.nbytes
r._indices(); r._values(); d._indices(); torch.sparse_csr_tensor([0, 1, 2], [0, 5], [1., 2.], (2, 2), check_invariants=True)
torch.sparse_csr_tensor([0, 2, 1], [0, 1], [1., 2.], (2, 2), check_invariants=True)
torch.sparse_csr_tensor([1, 1, 2], [0, 1], [1., 2.], (2, 2), check_invariants=True)
torch.sparse_csr_tensor([0, 2, 2], [1, 0], [1., 2.], (2, 2), check_invariants=True)
torch.sparse_csr_tensor([0, 1, 2], [0, 1], [1., 2., 3.], (2, 2), check_invariants=True)
torch.sparse_csr_tensor([0, 1, 2, 3], [0, 1], [1., 2.], (2, 2), check_invariants=True)
torch.sparse_compressed_tensor([0, 1, 2], [0, 1], [1., 2.]); torch.sparse_coo_tensor([[0, 5]], [1., 2.], (3,), check_invariants=True)
torch.sparse_coo_tensor([[0, -1]], [1., 2.]); torch.sparse_coo_tensor([0, 1], [1., 2.], (3,))
torch.sparse_coo_tensor([[0, 1]], [1., 2., 3.], (3,)); torch.sparse_coo_tensor([[0, 1]], [[1.], [2.]], (3, 2))
torch.sparse_csr_tensor([0, 1], [0], [1.], (1, 1), layout=torch.sparse_csc); torch.sparse.sum(torch.ones(3))
torch.sparse_coo_tensor([[0, 1]], 2.0, (3,)); s.clone().sparse_resize_(2, 2, 0); torch.ones(3).sparse_mask(e); e @ e.to_sparse_csr()
torch.eye(2).to_sparse(layout=torch.sparse_bsr); torch.eye(3).copy_(e); e.copy_(torch.eye(3)); e.clone().add_(1); s.squeeze()
torch.sparse.addmm(e, torch.eye(3), torch.eye(3)); torch.sparse.sum(e, 5); torch.ones(4, 4).to_sparse_bsr(3); s.transpose(0, 5)
torch.sparse.spdiags(torch.ones(3, 3), torch.tensor([0, 0, 1]), (3, 3)); torch.sparse.mm(s, 1); torch.sparse.sum(1)
torch.sparse.sampled_addmm(r, torch.ones(2, 2), torch.ones(3, 3)); torch.sparse.mm(r, x, 'foo'); torch.sparse.mm(s, x, 'sum')
torch.dot(s, s); torch.equal(s, s); s.softmax(1); e.all()
"""

GRADIENTS = """
s @ y; torch.addmm(torch.ones(2, 2), s, y); s.to_dense(); s * 2; s + s; s - s; s.coalesce(); s.coalesce().values(); s.t()
s.sum(); torch.sparse.sum(s); torch.sparse.sum(s, 0); s @ s.t(); torch.sparse.mm(s, s.t()); s * s; s / 2; -s; s.clone()
s.double(); torch.sparse.log_softmax(s, 1); s.to_sparse_csr(); torch.ones(2, 3) + s; torch.ones(2, 3) - s
s * torch.ones(2, 3); torch.mv(s, torch.ones(3)); s.abs(); s.pow(2); s.relu(); torch.sparse.addmm(torch.ones(2, 2), s, y)
torch.sparse.mm(s, y); s.log1p(); s.permute(1, 0); s.sparse_mask(s.detach().coalesce()); s.detach() @ y; y.t() @ s.t()
"""

LEAVES = """
torch.sparse.mm(t, x); t @ x; t.to_dense(); torch.sparse.sum(t); t * 2; t.sum(); t.mv(torch.ones(3))
"""

PROGRAMS = {
    "embedding": """
torch.manual_seed(0)
m = torch.nn.Embedding(5, 2, sparse=True, padding_idx=0)
out = m(torch.tensor([[1, 2], [1, 0]]))
out.sum().backward()
shown = [type(out.grad_fn).__name__, m.weight.grad, m.weight.grad.is_coalesced()]
m(torch.tensor([3])).sum().backward()
shown += [m.weight.grad, m.weight.grad.coalesce()]
(m.weight * 2).sum().backward()
shown.append(m.weight.grad)
m(torch.tensor([3])).sum().backward()
shown.append(m.weight.grad)
""",
    "embedding used twice": """
m = torch.nn.Embedding(5, 2, sparse=True)
(m(torch.tensor([3, 3])).sum() + m.weight.sum()).backward()
shown = [m.weight.grad]
""",
    "scale_grad_by_freq": """
m = torch.nn.Embedding(5, 2, sparse=True, scale_grad_by_freq=True)
m(torch.tensor([3, 3])).sum().backward()
""",
    "bag of max": """
torch.nn.EmbeddingBag(5, 2, sparse=True, mode='max')(torch.tensor([1, 2]), torch.tensor([0]))
""",
    "bags": """
shown = []
for mode in ('sum', 'mean'):
    for padding in (None, 2):
        m = torch.nn.EmbeddingBag(5, 2, sparse=True, mode=mode, padding_idx=padding)
        m(torch.tensor([1, 2, 4, 4]), torch.tensor([0, 2])).sum().backward()
        shown.append(m.weight.grad)
w = torch.ones(5, 2, requires_grad=True)
p = torch.tensor([1., 2, 3, 4], requires_grad=True)
out = torch.nn.functional.embedding_bag(
    torch.tensor([1, 2, 4, 4]), w, torch.tensor([0, 2]), mode='sum', sparse=True, per_sample_weights=p)
out.sum().backward()
shown += [w.grad, p.grad]
""",
    "leaf of COO": "t = torch.sparse_coo_tensor(i, v, (2, 3), requires_grad=True)\nshown = leaves(t)",
    "leaf of CSR": """
t = torch.sparse_csr_tensor([0, 1, 3], [2, 0, 2], [3., 4., 5.], (2, 3), requires_grad=True)
shown = leaves(t)
""",
    "from dense": """
shown = []
for name in ('to_sparse', 'to_sparse_csr', 'to_sparse_csc'):
    t = d.clone().requires_grad_()
    made = getattr(t, name)()
    (made.to_dense() * torch.arange(6.).reshape(2, 3)).sum().backward()
    shown += [type(made.grad_fn).__name__, t.grad]
""",
    "zero_grad": """
m = torch.nn.Embedding(5, 2, sparse=True)
m(torch.tensor([1, 3, 3])).sum().backward()
torch.optim.SGD(m.parameters(), lr=.1).zero_grad(set_to_none=False)
shown = [m.weight.grad]
""",
}

OPTIMIZERS = {
    "SGD": "torch.optim.SGD(p, lr=.1)",
    "SGD, momentum": "torch.optim.SGD(p, lr=.1, momentum=.9)",
    "SGD, Nesterov": "torch.optim.SGD(p, lr=.1, momentum=.9, nesterov=True)",
    "SGD, maximize": "torch.optim.SGD(p, lr=.1, maximize=True)",
    "SGD, weight decay": "torch.optim.SGD(p, lr=.1, weight_decay=.1)",
    "Adagrad": "torch.optim.Adagrad(p, lr=.1, lr_decay=.1)",
    "Adagrad, weight decay": "torch.optim.Adagrad(p, lr=.1, weight_decay=.1)",
    "Adam": "torch.optim.Adam(p)",
    "AdamW": "torch.optim.AdamW(p)",
    "RMSprop": "torch.optim.RMSprop(p)",
}


def expressions(text: str) -> list[str]:
    return [e.strip() for e in re.split(r"[;\n]", text) if e.strip()]


def _namespace(torch: Any) -> dict[str, Any]:
    import copy

    space: dict[str, Any] = {"torch": torch, "copy": copy, "pickle": pickle}

    def leaves(t: Any) -> list[Any]:
        shown = []
        for e in expressions(LEAVES):
            t.grad = None
            out = eval(e, {**space, "t": t})
            (out if out.layout is torch.strided else out.to_dense()).sum().backward()
            shown += [type(out.grad_fn).__name__, t.grad]
        return shown

    space["leaves"] = leaves
    exec(PRELUDE, space)
    return space


def _guarded(run: Any) -> str:
    """The text of a result, or the class and the leading words of the error."""
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            return str(run())
    except Exception as error:  # noqa: BLE001
        words = str(error).partition("\n")[0].partition("'aten::")[0]
        return f"!{type(error).__name__}: {words[:110]}".rstrip()


def _program(torch: Any, text: str) -> str:
    space = _namespace(torch)
    exec(text, space)
    return "\n".join(map(str, space["shown"]))


def _gradient(torch: Any, expression: str) -> str:
    space = _namespace(torch)
    values, y = space["v"].clone().requires_grad_(), space["x"].clone().requires_grad_()
    s = torch.sparse_coo_tensor(space["i"], values, (2, 3))
    out = eval(expression, {**space, "s": s, "y": y})
    dense = out if out.layout is torch.strided else out.to_dense()
    weights = torch.arange(1, dense.numel() + 1).reshape(dense.shape).to(dense.dtype)
    grads = torch.autograd.grad((dense * weights).sum(), (values, y), allow_unused=True)
    return f"{type(out.grad_fn).__name__} {grads}"


def _training(torch: Any, build: str) -> str:
    weight = torch.nn.Parameter((torch.arange(10.0).reshape(5, 2) - 4.5) / 4)
    optimizer = eval(build, {"torch": torch, "p": [weight]})
    for rows in ([1, 3, 3], [0, 3, 1], [4, 4, 1]):
        optimizer.zero_grad()
        look = torch.nn.functional.embedding(torch.tensor(rows), weight, sparse=True)
        (look * look).sum().backward()
        optimizer.step()
    return str([round(float(w), 5) for w in weight.detach().reshape(-1)])


def outcome(torch: Any) -> dict[str, str]:
    """Name of each case -> what it gives."""
    space = _namespace(torch)
    found = {}
    for e in expressions(SHOWN) + expressions(REFUSED):
        found[e] = _guarded(lambda e=e: eval(e, dict(space)))
    for e in expressions(GRADIENTS):
        found[f"gradient of {e}"] = _guarded(lambda e=e: _gradient(torch, e))
    for name, text in PROGRAMS.items():
        found[name] = _guarded(lambda text=text: _program(torch, text))
    for name, build in OPTIMIZERS.items():
        found[f"training with {name}"] = _guarded(lambda build=build: _training(torch, build))
    return found
