"""Expressions about ``out=``, memory order, errors, deferred conjugates and sparse gradients, one a line or between ``; ``.

Evaluated as those of ``expressions.py``. ``S(t)`` is shape and strides, ``G(f, *leaves)`` the gradients of ``sum(f(..))``
as dense tensors (``GG``: of the sum of their squares), ``z`` a complex matrix, ``F`` ``torch.nn.functional``.
"""

from __future__ import annotations

from typing import Any

_OPERATORS = """
torch.linspace(0,1,6,out=torch.ones(2,3))
torch.linspace(0,9.9,5,dtype=torch.int32)
torch.linspace(0.5,9.9,5,dtype=torch.int64)
torch.linspace(0,1.9,7,dtype=torch.float16).float()
torch.linspace(L(1,2),L(1,2),1)
torch.linspace(2,L(1,2),1)
torch.linspace(torch.tensor(2.),torch.tensor(3.,requires_grad=True),3)
torch.linspace(1+2j,3,4,dtype=torch.float32)
torch.linspace(0,1,3,dtype=torch.bool)
torch.logspace(0,1,6,out=torch.ones(3,2).t())
torch.logspace(L(1,2),3,1)
torch.arange(0,6,out=torch.ones(2,3))
torch.mean(x,out=torch.empty((),dtype=torch.int64))
torch.mean(x,1,out=torch.empty(0,dtype=torch.int64))
torch.mean(x,dtype=torch.float32,out=torch.empty((),dtype=torch.float64))
torch.max(x,out=torch.empty((),dtype=torch.int64))
torch.nansum(x,out=torch.empty((),dtype=torch.int64))
torch.mvlgamma(x.abs()+3,1,out=torch.empty(0,dtype=torch.int64))
torch.norm(sq,'nuc',out=torch.empty((),dtype=torch.float64))
torch.matmul(v,v,out=torch.empty((),dtype=torch.float64))
torch.linalg.matrix_power(rg(3,3),2,out=torch.empty(0))
torch.linalg.matrix_power(rg(3,3),-1,out=torch.empty(0))
torch.linalg.matrix_power(rg(3,3),0,out=torch.empty(0)).requires_grad
torch.fft.ifft(z.requires_grad_(),out=torch.empty(0,dtype=z.dtype))
torch.fft.rfft(rg(4),out=torch.empty(0,dtype=z.dtype))
torch.linalg.vector_norm(x,dtype=torch.float16)
torch.linalg.vector_norm(z,dtype=torch.float32)
torch.linalg.matrix_norm(x,dtype=torch.int32)
torch.linalg.matrix_norm(x.half(),'nuc')
S(torch.cholesky(sq@sq.T+torch.eye(3),out=torch.empty(0)))
S(torch.linalg.householder_product(sq,v,out=torch.ones(5)))
S(torch.linalg.householder_product(sq,v,out=torch.ones(0)))
S(torch.linalg.lstsq(r(4,3),r(4,3)).solution)
S(torch.linalg.lstsq(r(2,4,3),r(2,4)).solution)
torch.linalg.lstsq(x,x,out=(torch.empty(0),torch.empty(0),torch.empty(0),torch.empty(0,dtype=torch.int64)))
F.gelu(x,out=torch.empty(0))
F.softplus(x,out=torch.empty(0,dtype=torch.float64))
F.logsigmoid(rg(3),out=torch.empty(0))
F.linear(v,r(2,3),out=torch.ones(7))
F.avg_pool2d(b,2,out=torch.empty(0))
F.relu(x,out=torch.empty(0))
torch.masked_select(v,v>0,out=v)
S(torch.quantile(x,torch.tensor([.2,.4]),dim=0,keepdim=True))
S(torch.rot90(x)); S(torch.ravel(torch.ones(3,3)[:,::2])); S(torch.unique(xi,dim=1))
S(F.max_unpool2d(torch.ones(1,2,1,2).to(memory_format=torch.channels_last),torch.zeros(1,2,1,2,dtype=torch.int64).to(memory_format=torch.channels_last),2))
torch.narrow_copy(x,3,0,0)
torch.narrow_copy(v,0,0,-1)
torch.narrow(x,0,L(1,2),1)
torch.narrow(x,0,torch.tensor(True),1)
torch.roll(s0,1,0)
torch.scatter(x,0,L([34,34]),torch.ones(1,2,2))
torch.unbind(s0)
torch.remainder(2,3)
torch.xlogy(2,3)
torch.special.zeta(2,3)
torch.bitwise_and(2,3)
torch.Tensor.__rand__(2,L(3))
F.conv2d(torch.ones(1,1,4,4),torch.ones(1,1,2,2),dilation=-1)
F.conv1d(torch.ones(1,1,4),torch.ones(1,1,2),dilation=0)
F.conv_transpose2d(torch.ones(1,1,4,4),torch.ones(1,1,2,2),dilation=0)
F.conv3d(torch.ones(1,1,4,4,4),torch.ones(1,1,3,3),padding='same')
F.conv2d(torch.ones(1,1,4,4),torch.ones(1))
F.max_pool1d(torch.ones(1,10,0),1)
F.max_pool1d(torch.ones(0,10),1,return_indices=True)
F.max_pool1d(torch.ones(2,2,2),5,stride=1)
F.adaptive_max_pool3d(torch.ones(1,2,3,4),())
F.adaptive_avg_pool1d(torch.ones(1,2,3),(1,2))
F.embedding(L([0,1]),v)
F.multilabel_margin_loss(torch.ones(5,0),torch.zeros(5,4))
F.soft_margin_loss(torch.tensor([-100.]),torch.tensor([1.]))
torch.einsum('ij->i',torch.ones(2,3,dtype=torch.int32))
torch.einsum('ij,jk->ik',torch.ones(2,3,dtype=torch.int32),torch.ones(3,2,dtype=torch.int32))
torch.trapezoid(torch.tensor([7,200,3],dtype=torch.uint8),torch.tensor([1,5,3],dtype=torch.uint8))
torch.cumulative_trapezoid(torch.tensor([7,200,3],dtype=torch.uint8))
torch.unravel_index(torch.tensor([5],dtype=torch.int8),(2,3))
F.interpolate(torch.arange(48,dtype=torch.uint8).reshape(1,3,4,4),(3,5),mode='bilinear')
F.interpolate(torch.arange(48,dtype=torch.uint8).reshape(1,3,4,4)*5,(7,3),mode='bicubic')
torch.native_batch_norm(b.half(),None,None,None,None,True,.1,1e-5)[1].dtype
v.gather(0,L(1)*3)
v[torch.arange(5)]
v[torch.full((2,),34)]
v.index_select(0,L(1,2)+1)
F.embedding(torch.zeros(2,dtype=torch.int64)+7,sq)
F.cross_entropy(sq,L(0,1,2)+1)
torch.zeros(3).index_put((torch.arange(2)+2,),torch.ones(2))
L(4)//(L(1)-1)
z.conj(); z.mH; z.conj().conj().is_conj(); z.conj()[0].is_conj(); z.conj().clone().is_conj(); z.conj().imag.is_neg()
z.conj().resolve_conj().is_conj(); z.conj().imag.resolve_neg(); z.conj().data_ptr()==z.data_ptr(); (z.conj()+1).is_conj()
z.conj().numpy()
z.conj().imag.numpy()
torch.view_as_real(z.conj())
z.conj().view(torch.float32)
(lambda w: (w.conj().mul_(2j), w)[1])(z.clone())
(lambda w: (w.conj().imag.fill_(7), w)[1])(z.clone())
z.conj().as_strided((2,),(2,),1)
__import__('copy').deepcopy(z.conj()).is_conj()
__import__('pickle').loads(__import__('pickle').dumps(z.conj())).is_conj()
G(lambda a: (a.conj()*a).real*2, z)
G(lambda a: a.gather(0,L([0,0],[1,2]),sparse_grad=True)*2, x)
G(lambda a: torch.gather(a,1,L([0],[1]),sparse_grad=True)**2, x)
GG(lambda a,b: F.grouped_mm(a,b,offs=L(4,8).int()), r(8,4), r(2,4,8))
GG(lambda a,b: F.grouped_mm(a,b,offs=L(4,8).int()), r(2,4,8), r(8,8))
GG(lambda a,b: F.grouped_mm(a,b,offs=L(4,8).int()), r(4,8), r(8,4))
G(lambda a: torch.logcumsumexp(a,0).real, z)
G(lambda a: torch.norm(a,'nuc'), z)
G(lambda a: torch.polygamma(5,a), torch.tensor([-8.5,-2.25,3.]))
G(lambda a: torch.ops.aten._safe_softmax.default(a,0)*L(1,2,3), torch.tensor([float('-inf')]*3))
G(lambda a: torch.sparse.mm(a,x,'mean'), sq.to_sparse_csr())
(lambda a,b: (a+b)._indices())(torch.sparse_coo_tensor(L([5,1,1,7]),r(4),(9,)),torch.sparse_coo_tensor(L([1,6,5]),r(3),(9,)))
"""
OPERATORS = [e.strip() for e in _OPERATORS.replace("; ", "\n").strip().splitlines()]


def helpers(torch: Any, r: Any) -> dict[str, Any]:
    """The further names that the expressions use."""

    def gradients(second: bool, f: Any, *leaves: Any) -> list[Any]:
        leaves = [t.detach().requires_grad_() for t in leaves]
        found = torch.autograd.grad(
            f(*leaves).pow(2).sum() if second else f(*leaves).sum(), leaves, create_graph=second
        )
        if second:
            found = torch.autograd.grad(sum(g.pow(2).sum() for g in found), leaves)
        return [g.to_dense() if g.layout is not torch.strided else g for g in found]

    return {
        "F": torch.nn.functional,
        "z": torch.tensor([[1 + 2j, 3 - 1j], [0.5j, 2 + 0.25j]], dtype=torch.complex64),
        "S": lambda t: [list(t.shape), list(t.stride())],
        "G": lambda f, *leaves: gradients(False, f, *leaves),
        "GG": lambda f, *leaves: gradients(True, f, *leaves),
    }
