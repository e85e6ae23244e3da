"""A call of each registered op on about a million elements, in PyTorch's words: run by PyTorch and by torchax_lite.

`CALLS[op]` is an expression; the names in it that `INPUTS` has are its inputs. `LOOPS["op:NAME"](compiled)` builds a
forward call, `LOOPS["grad:NAME"](compiled)` the same with gradients of all floating inputs. Ops that have no call are
in `WITHOUT`, with the reason.
"""

import functools

import torch
import torch.nn.functional as F  # noqa: F401  (named in CALLS)

SIDE = 1000  # most inputs are SIDE by SIDE


def _normal(*shape):
    return torch.randn(shape)


def _between(low, high, *shape):
    return torch.rand(shape) * (high - low) + low


def _whole(high, *shape):
    return torch.randint(0, high, shape)


def _positive_definite(*shape):
    x = torch.randn(shape)
    return x @ x.mT / shape[-1] + torch.eye(shape[-1])


INPUTS = {
    "a": lambda: _normal(SIDE, SIDE),
    "b": lambda: _normal(SIDE, SIDE),
    "c": lambda: _normal(SIDE, SIDE),
    "v": lambda: _normal(SIDE),
    "w": lambda: _normal(SIDE),
    "line": lambda: _normal(SIDE * SIDE),
    "line2": lambda: _normal(SIDE * SIDE),
    "half": lambda: _normal(SIDE, SIDE // 2),
    "unit": lambda: _between(0.02, 0.98, SIDE, SIDE),
    "pos": lambda: _between(0.1, 5.0, SIDE, SIDE),
    "pos2": lambda: _between(1.1, 5.0, SIDE, SIDE),
    "order": lambda: _whole(8, SIDE, SIDE),
    "i": lambda: _whole(100, SIDE, SIDE) + 1,
    "j": lambda: _whole(100, SIDE, SIDE) + 1,
    "shift": lambda: _whole(8, SIDE, SIDE),
    "mask": lambda: torch.rand(SIDE, SIDE) < 0.5,
    "mask2": lambda: torch.rand(SIDE, SIDE) < 0.5,
    "z": lambda: torch.complex(_normal(SIDE, SIDE), _normal(SIDE, SIDE)),
    "at": lambda: _whole(SIDE, SIDE, SIDE),
    "rows": lambda: _whole(SIDE, SIDE),
    "distinct": lambda: torch.randperm(SIDE),
    "flat": lambda: _whole(SIDE * SIDE, SIDE, SIDE),
    "edges": lambda: torch.linspace(-3, 3, SIDE),
    "q": lambda: torch.tensor([0.1, 0.5, 0.9]),
    "scalar": lambda: torch.tensor(0.5),
    "lengths": lambda: torch.full((SIDE,), SIDE),
    "batch": lambda: _normal(1024, 32, 32),
    "batch2": lambda: _normal(1024, 32, 32),
    "one": lambda: _normal(32, 32),
    "spd": lambda: _positive_definite(1024, 32, 32),
    "pivots": lambda: torch.arange(1, 33, dtype=torch.int32).repeat(1024, 1),
    "images": lambda: _normal(16, 16, 64, 64),
    "indices": lambda: _whole(4, 16, 16, 32, 32) + torch.arange(0, 4096, 128).reshape(32, 1) + 2 * torch.arange(32),
    "channels": lambda: _normal(16),
    "scale": lambda: _between(0.5, 1.5, 16),
    "moments": lambda: _between(0.5, 1.5, 16),
    "kernel": lambda: _normal(16, 16, 3, 3),
    "volumes": lambda: _normal(4, 4, 16, 64, 64),
    "volume_indices": lambda: torch.arange(4 * 4 * 8 * 32 * 32).reshape(4, 4, 8, 32, 32) % 65536,
    "signals": lambda: _normal(16, 16, 4096),
    "grid": lambda: _between(-1.0, 1.0, 16, 64, 64, 2),
    "theta": lambda: _normal(16, 2, 3),
    "taps": lambda: _normal(3, 16, 16),
    "columns": lambda: _normal(16, 144, 4096),
    "picks2": lambda: torch.rand(16, 16, 2),
    "picks3": lambda: torch.rand(4, 4, 3),
    "table": lambda: _normal(SIDE, 64),
    "words": lambda: _whole(SIDE, 16384),
    "bags": lambda: torch.arange(0, 16384, 16),
    "queries": lambda: _normal(16, 8, 128, 64),
    "keys": lambda: _normal(16, 8, 128, 64),
    "values": lambda: _normal(16, 8, 128, 64),
    "allowed": lambda: torch.ones(128, 128, dtype=torch.bool).tril(),
    "labels": lambda: _whole(SIDE, SIDE),
    "label_map": lambda: _whole(16, 16, 64, 64),
    "targets": lambda: _whole(2, SIDE, SIDE).float(),
    "multi": lambda: torch.cat([torch.randint(0, 1000, (1000, 20)), torch.full((1000, 980), -1)], 1),
    "signs": lambda: _whole(2, SIDE, SIDE).float() * 2 - 1,
    "frames": lambda: _normal(128, 16, 512),
    "spoken": lambda: _whole(511, 16, 32) + 1,
    "frame_counts": lambda: torch.full((16,), 128),
    "spoken_counts": lambda: torch.full((16,), 32),
    "near": lambda: _normal(1000, 32),
    "far": lambda: _normal(1000, 32),
    "left": lambda: _normal(512, 64),
    "right": lambda: _normal(512, 64),
    "form": lambda: _normal(64, 64, 64),
    "sequence": lambda: _normal(64, 32, 256),
    "rnn": lambda: torch.nn.RNN(256, 256),
    "gru": lambda: torch.nn.GRU(256, 256),
    "lstm": lambda: torch.nn.LSTM(256, 256),
    "hidden": lambda: _normal(32, 256),
    "cell": lambda: _normal(32, 256),
    "w1": lambda: _normal(256, 256) / 16,
    "w2": lambda: _normal(256, 256) / 16,
    "w3": lambda: _normal(768, 256) / 16,
    "w4": lambda: _normal(768, 256) / 16,
    "w5": lambda: _normal(1024, 256) / 16,
    "w6": lambda: _normal(1024, 256) / 16,
    "bias1": lambda: _normal(256),
    "bias3": lambda: _normal(768),
    "bias5": lambda: _normal(1024),
    "tall": lambda: _normal(1024, 64, 16),
    "tau16": lambda: _between(0.1, 1.9, 1024, 16),
    "spectrum": lambda: _normal(16, 257, 122, 2),
    "counts": lambda: _whole(10, SIDE, SIDE).float(),
}

CALLS = {}


def _each(form, names, prefix=""):
    for name in names.split():
        CALLS[prefix + name] = form.format(name.partition(".")[0])  # "std.dim" is an overload of std


_each("torch.{}(a)", "abs angle asinh atan ceil conj_physical cos cosh deg2rad erf erfc exp exp2 expm1 floor frac i0")
_each("torch.{}(a)", "isfinite isinf isnan isneginf isposinf isreal logical_not neg positive rad2deg reciprocal relu")
_each("torch.{}(a)", "round selu sgn sigmoid sign signbit sin sinc sinh square tan tanh trunc nan_to_num frexp celu")
_each(
    "torch.{}(a)", "hardshrink amax amin aminmax argmax argmin max min all any count_nonzero mean nanmean nansum prod"
)
_each("torch.{}(a)", "std std_mean sum var var_mean median nanmedian norm trace msort tril triu diag rot90")
_each("torch.{}(a)", "trapezoid.dx cumulative_trapezoid.dx")
_each("torch.{}(unit)", "acos asin atanh erfinv log log10 log1p log2 rsqrt sqrt lgamma digamma")
_each("F.{}(a)", "elu gelu hardsigmoid hardswish hardtanh leaky_relu logsigmoid mish relu6 silu softplus softshrink")
_each("F.{}(a)", "softsign tanhshrink")
_each("torch.special.{}(a)", "airy_ai bessel_j0 bessel_j1 erfcx i0e i1 i1e log_ndtr ndtr modified_bessel_i0")
_each("torch.special.{}(a)", "modified_bessel_i1 spherical_bessel_j0")
_each("torch.special.{}(pos)", "bessel_y0 bessel_y1 modified_bessel_k0 modified_bessel_k1 scaled_modified_bessel_k0")
_each("torch.special.{}(pos)", "scaled_modified_bessel_k1 entr")
for _kind in "tuvw":
    for _family in ("chebyshev", "shifted_chebyshev"):
        _each("torch.special.{}(unit, order)", f"{_family}_polynomial_{_kind}")
_each("torch.special.{}(unit, order)", "hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l")
_each("torch.special.{}(unit, order)", "legendre_polynomial_p")
_each("torch.{}(a, b)", "add atan2 copysign div floor_divide fmod hypot ldexp logaddexp logaddexp2 mul nextafter")
_each("torch.{}(a, b)", "remainder rsub sub eq ge gt le lt ne isclose fmax fmin heaviside maximum minimum max.other")
_each("torch.{}(a, b)", "min.other dist mm matmul inner trapezoid.x cumulative_trapezoid.x")
_each("torch.{}(mask, mask2)", "logical_and logical_or logical_xor")
_each("torch.{}(i, j)", "bitwise_and bitwise_or bitwise_xor gcd lcm")
_each("torch.{}(i, shift)", "bitwise_left_shift bitwise_right_shift")
_each("torch.{}(a, 1)", "std.dim std_mean.dim var.dim var_mean.dim prod.dim_int max.dim min.dim median.dim")
_each("torch.{}(a, 1)", "nanmedian.dim mode logsumexp cummax cummin cumprod cumsum logcumsumexp softmax log_softmax")
_each("torch.{}(a, 1)", "sort argsort diff")
_each("torch.{}(a, 1, correction=0)", "std.correction std_mean.correction var.correction var_mean.correction")
_each("F.{}(a, 1)", "softmax.functional log_softmax.functional softmin glu")
_each("F.{}(a, b)", "mse_loss smooth_l1_loss huber_loss")
_each("torch.{}(line, line2)", "dot vdot")
_each("torch.fft.{}(a)", "fft fft2 fftn hfft hfft2 hfftn ifft ifft2 ifftn ihfft ihfft2 ihfftn irfft irfft2", "fft_")
_each("torch.fft.{}(a)", "irfftn rfft rfft2 rfftn", "fft_")
_each("torch.linalg.{}(spd)", "cholesky_ex inv_ex det slogdet eig eigh qr ldl_factor_ex lu lu_factor_ex", "linalg_")
_each("torch.linalg.{}(spd)", "pinv", "linalg_")

CALLS |= {
    "_linalg_svd": "torch.linalg.svd(spd)",
    "_linalg_solve_ex": "torch.linalg.solve(spd, batch)",
    "_rrelu": "F.rrelu(a, training=True)",
    "_bincount": "torch.bincount(flat.reshape(-1) % 1000)",
    "_segment_reduce": "torch.segment_reduce(line, 'sum', lengths=lengths)",
    "_unsafe_view": "torch.ops.aten._unsafe_view(a, [SIDE * SIDE])",
    "acosh": "torch.acosh(pos2)",
    "adaptive_avg_pool2d": "F.adaptive_avg_pool2d(images, (7, 7))",
    "adaptive_avg_pool3d": "F.adaptive_avg_pool3d(volumes, (7, 7, 7))",
    "adaptive_max_pool2d": "F.adaptive_max_pool2d(images, (7, 7))",
    "adaptive_max_pool3d": "F.adaptive_max_pool3d(volumes, (7, 7, 7))",
    "addbmm": "torch.addbmm(one, batch, batch2)",
    "addbmm.scaled": "torch.addbmm(one, batch, batch2, beta=2, alpha=3)",
    "addcdiv": "torch.addcdiv(a, b, pos)",
    "addcmul": "torch.addcmul(a, b, c)",
    "addmm": "torch.addmm(a, b, c)",
    "addmm.scaled": "torch.addmm(a, b, c, beta=2, alpha=3)",
    "addmv": "torch.addmv(v, a, w)",
    "addmv.scaled": "torch.addmv(v, a, w, beta=2, alpha=3)",
    "addr": "torch.addr(a, v, w)",
    "affine_grid_generator": "F.affine_grid(theta, [16, 3, 256, 256], align_corners=False)",
    "arange": "torch.arange(SIDE * SIDE)",
    "as_strided": "torch.as_strided(a, (SIDE, SIDE), (1, SIDE)).contiguous()",
    "as_strided_scatter": "torch.as_strided_scatter(a, half, (SIDE, SIDE // 2), (SIDE, 2))",
    "avg_pool2d": "F.avg_pool2d(images, 2)",
    "avg_pool3d": "F.avg_pool3d(volumes, 2)",
    "baddbmm": "torch.baddbmm(batch, batch, batch2)",
    "baddbmm.scaled": "torch.baddbmm(batch, batch, batch2, beta=2, alpha=3)",
    "bmm": "torch.bmm(batch, batch2)",
    "bilinear": "F.bilinear(left, right, form)",
    "binary_cross_entropy": "F.binary_cross_entropy(unit, targets)",
    "binary_cross_entropy_with_logits": "F.binary_cross_entropy_with_logits(a, targets)",
    "bitwise_not": "torch.bitwise_not(i)",
    "block_diag": "torch.block_diag(half, half)",
    "bucketize": "torch.bucketize(a, edges)",
    "cat": "torch.cat([a, b], 1)",
    "cdist": "torch.cdist(near, far)",
    "channel_shuffle": "F.channel_shuffle(images, 4)",
    "cholesky_inverse": "torch.cholesky_inverse(spd)",
    "cholesky_solve": "torch.cholesky_solve(batch, spd)",
    "clamp": "torch.clamp(a, b, c)",
    "clamp_max": "torch.clamp_max(a, b)",
    "clamp_min": "torch.clamp_min(a, b)",
    "clone": "a.clone()",
    "col2im": "F.fold(columns, (64, 64), 3, padding=1)",
    "complex": "torch.complex(a, b)",
    "constant_pad_nd": "F.pad(a, (5, 5, 5, 5))",
    "conj": "z.conj().resolve_conj()",
    "conv_tbc": "torch.conv_tbc(signals.permute(2, 0, 1).contiguous(), taps, channels)",
    "convolution": "F.conv2d(images, kernel, channels, padding=1)",
    "copy_into": "torch.empty(SIDE, SIDE).copy_(i)",
    "cosine_similarity": "F.cosine_similarity(a, b)",
    "ctc_loss": "F.ctc_loss(frames.log_softmax(2), spoken, frame_counts, spoken_counts)",
    "diag_embed": "torch.diag_embed(v)",
    "diagonal": "torch.diagonal(batch, 0, 1, 2).contiguous()",
    "diagonal_scatter": "torch.diagonal_scatter(a, v)",
    "div.mode": "torch.div(a, b, rounding_mode='floor')",
    "dropout_mask_apply": "F.dropout(a, 0.5)",
    "einsum": "torch.einsum('bij,bjk->bik', batch, batch2)",
    "embedding": "F.embedding(words, table)",
    "embedding_bag_reduce": "F.embedding_bag(words, table, bags, mode='sum')",
    "embedding_renorm": "F.embedding(words, table.clone(), max_norm=5.0)",
    "expand": "v.expand(SIDE, SIDE).contiguous()",
    "eye": "torch.eye(SIDE)",
    "flip": "torch.flip(a, (0, 1))",
    "float_power.Scalar": "torch.float_power(2, a)",
    "float_power.Tensor_Scalar": "torch.float_power(pos, 2.5)",
    "float_power.Tensor_Tensor": "torch.float_power(pos, b)",
    "fractional_max_pool2d": "F.fractional_max_pool2d(images, 2, (32, 32), _random_samples=picks2)",
    "fractional_max_pool3d": "F.fractional_max_pool3d(volumes, 2, (8, 32, 32), _random_samples=picks3)",
    "full": "torch.full((SIDE, SIDE), 2.5)",
    "grid_sampler": "F.grid_sample(images, grid, align_corners=False)",
    "group_norm": "F.group_norm(images, 4, scale, channels)",
    "gather": "torch.gather(a, 1, at)",
    "gru_cell": "torch.gru_cell(hidden, cell, w3, w4, bias3, bias3)",
    "gru_layer": "gru(sequence)[0]",
    "hash_tensor": "torch.hash_tensor(a)",
    "histc": "torch.histc(a, 100)",
    "igamma": "torch.special.gammainc(pos, pos2)",
    "igammac": "torch.special.gammaincc(pos, pos2)",
    "im2col": "F.unfold(images, 3, padding=1)",
    "imag": "z.imag.contiguous()",
    "index": "a[at, distinct]",
    "index_add": "torch.index_add(a, 0, rows, b)",
    "index_copy": "torch.index_copy(a, 0, distinct, b)",
    "index_fill": "torch.index_fill(a, 0, distinct[:500], scalar)",
    "index_put": "torch.index_put(a, (rows,), b, accumulate=True)",
    "index_reduce": "torch.index_reduce(a, 0, rows, b, 'amax')",
    "index_select": "torch.index_select(a, 0, rows)",
    "isin": "torch.isin(i, rows)",
    "kron": "torch.kron(one, one)",
    "kthvalue": "torch.kthvalue(a, 100, 1)",
    "layer_norm": "F.layer_norm(a, (SIDE,), v, w)",
    "lerp.Scalar": "torch.lerp(a, b, 0.3)",
    "lerp.Tensor": "torch.lerp(a, b, c)",
    "linalg_cross": "torch.linalg.cross(line[:999999].view(-1, 3), line2[:999999].view(-1, 3))",
    "linalg_householder_product": "torch.linalg.householder_product(tall, tau16)",
    "linalg_ldl_solve": "torch.linalg.ldl_solve(spd, pivots, batch)",
    "linalg_lu_solve": "torch.linalg.lu_solve(spd, pivots, batch)",
    "linalg_matrix_exp": "torch.linalg.matrix_exp(batch / 8)",
    "linalg_solve_triangular": "torch.linalg.solve_triangular(spd, batch, upper=False)",
    "linear_cross_entropy_chunked": "F.linear_cross_entropy(near, table[:, :32], labels)",
    "linspace": "torch.linspace(0, 1, SIDE * SIDE)",
    "logit": "torch.logit(unit, 1e-6)",
    "lstm_cell": "torch.lstm_cell(hidden, [cell, cell], w5, w6, bias5, bias5)",
    "lstm_layer": "lstm(sequence)[0]",
    "lu_permutation": "torch.lu_unpack(spd, pivots)[0]",
    "masked_fill": "torch.masked_fill(a, mask, scalar)",
    "masked_scatter": "torch.masked_scatter(a, mask, b)",
    "masked_select_at": "torch.masked_select(a, mask)",
    "max_pool2d_with_indices": "F.max_pool2d(images, 2, return_indices=True)",
    "max_pool3d_with_indices": "F.max_pool3d(volumes, 2, return_indices=True)",
    "max_unpool2d": "F.max_unpool2d(images[:, :, :32, :32], indices, 2, output_size=(64, 64))",
    "max_unpool3d": "F.max_unpool3d(volumes[:, :, :8, :32, :32], volume_indices, 2)",
    "multi_margin_loss": "F.multi_margin_loss(a, labels)",
    "multilabel_margin_loss": "F.multilabel_margin_loss(a, multi)",
    "mv": "torch.mv(a, v)",
    "mvlgamma": "torch.mvlgamma(pos2, 3)",
    "nanquantile": "torch.nanquantile(a, q, 1)",
    "nanquantile.scalar": "torch.nanquantile(a, 0.3, 1)",
    "native_batch_norm_eval": "F.batch_norm(images, moments, moments, scale, channels)",
    "native_batch_norm_train": "F.batch_norm(images, None, None, scale, channels, training=True)",
    "ndtri": "torch.special.ndtri(unit)",
    "neg_view": "torch._neg_view(a).resolve_neg()",
    "nll_loss": "F.nll_loss(a, labels)",
    "nll_loss2d": "F.nll_loss(images, label_map)",
    "norm.number": "torch.norm(a, 1.0)",
    "one_hot": "F.one_hot(words[:1000], SIDE)",
    "ormqr": "torch.ormqr(tall, tau16, tall)",
    "geqrf": "torch.geqrf(batch)",
    "outer": "torch.outer(v, w)",
    "overlap_add": "torch.istft(torch.view_as_complex(spectrum), 512)",
    "pdist": "F.pdist(near)",
    "permute": "torch.permute(batch, (2, 0, 1)).contiguous()",
    "pixel_shuffle": "F.pixel_shuffle(images, 2)",
    "pixel_unshuffle": "F.pixel_unshuffle(images, 2)",
    "polar": "torch.polar(pos, a)",
    "polygamma": "torch.polygamma(1, pos)",
    "pow.Scalar": "torch.pow(2, a)",
    "pow.Tensor_Scalar": "torch.pow(pos, 2.5)",
    "pow.Tensor_Tensor": "torch.pow(pos, b)",
    "pow.static": "torch.pow(a, 2.0)",
    "prelu": "F.prelu(images, scale)",
    "put": "torch.put(a, flat, b, accumulate=True)",
    "quantile": "torch.quantile(a, q, 1)",
    "quantile.scalar": "torch.quantile(a, 0.3, 1)",
    "random_bernoulli": "torch.empty(SIDE, SIDE).bernoulli_(0.3)",
    "random_bernoulli_tensor": "torch.bernoulli(unit)",
    "random_binomial": "torch.binomial(counts, unit)",
    "random_cauchy": "torch.empty(SIDE, SIDE).cauchy_()",
    "random_dirichlet": "torch._sample_dirichlet(pos)",
    "random_exponential": "torch.empty(SIDE, SIDE).exponential_()",
    "random_geometric": "torch.empty(SIDE, SIDE).geometric_(0.3)",
    "random_integers": "torch.randint(0, 100, (SIDE, SIDE))",
    "random_log_normal": "torch.empty(SIDE, SIDE).log_normal_()",
    "random_multinomial": "torch.multinomial(unit, 100, replacement=True)",
    "random_normal": "torch.randn(SIDE, SIDE)",
    "random_permutation": "torch.randperm(SIDE * SIDE)",
    "random_poisson": "torch.poisson(pos)",
    "random_standard_gamma": "torch._standard_gamma(pos)",
    "random_uniform": "torch.rand(SIDE, SIDE)",
    "_standard_gamma_sample": "torch._standard_gamma(pos)",
    "_dirichlet_sample": "torch._sample_dirichlet(pos)",
    "_standard_gamma_grad": "torch._standard_gamma_grad(pos, pos2)",
    "_dirichlet_grad": "torch._dirichlet_grad(unit, pos, pos + 1.0)",
    "real": "z.real.contiguous()",
    "reflection_pad1d": "F.pad(signals, (5, 5), mode='reflect')",
    "reflection_pad2d": "F.pad(images, (3, 3, 3, 3), mode='reflect')",
    "reflection_pad3d": "F.pad(volumes, (3, 3, 3, 3, 3, 3), mode='reflect')",
    "repeat": "half.repeat(1, 2)",
    "replication_pad1d": "F.pad(signals, (5, 5), mode='replicate')",
    "replication_pad2d": "F.pad(images, (3, 3, 3, 3), mode='replicate')",
    "replication_pad3d": "F.pad(volumes, (3, 3, 3, 3, 3, 3), mode='replicate')",
    "reshape_copy": "a.t().reshape(-1)",
    "rms_norm": "F.rms_norm(a, (SIDE,), v)",
    "rnn_layer": "rnn(sequence)[0]",
    "rnn_relu_cell": "torch.rnn_relu_cell(hidden, cell, w1, w2, bias1, bias1)",
    "rnn_tanh_cell": "torch.rnn_tanh_cell(hidden, cell, w1, w2, bias1, bias1)",
    "roll": "torch.roll(a, 3, 1)",
    "round.decimals": "torch.round(a, decimals=2)",
    "scaled_dot_product_attention_masked": "F.scaled_dot_product_attention(queries, keys, values, allowed)",
    "scatter.reduce": "torch.scatter(a, 1, at, b, reduce='add')",
    "scatter.src": "torch.scatter(a, 1, at, b)",
    "scatter.value": "torch.scatter(a, 1, at, 2.0)",
    "scatter.value_reduce": "torch.scatter(a, 1, at, 2.0, reduce='multiply')",
    "scatter_add": "torch.scatter_add(a, 1, at, b)",
    "scatter_reduce": "torch.scatter_reduce(a, 1, at, b, 'amax')",
    "searchsorted": "torch.searchsorted(edges, a)",
    "select": "batch.select(1, 3).contiguous()",
    "select_scatter": "torch.select_scatter(a, v, 0, 5)",
    "slice": "a[:, ::2].contiguous()",
    "slice_scatter": "torch.slice_scatter(a, half, 1, 0, SIDE, 2)",
    "soft_margin_loss": "F.soft_margin_loss(a, signs)",
    "sparse_lookup": "torch.sparse_coo_tensor(distinct[None], a, (SIDE, SIDE)).index_select(0, rows).to_dense()",
    "squeeze.all": "a[None].squeeze().contiguous()",
    "squeeze.dims": "a[None].squeeze(0).contiguous()",
    "stack": "torch.stack([a, b], 1)",
    "t": "a.t().contiguous()",
    "take": "torch.take(a, flat)",
    "tensordot": "torch.tensordot(batch, batch2, ([0, 1], [0, 1]))",
    "threshold": "F.threshold(a, 0.5, 7.0)",
    "to_copy": "a.to(torch.float64)",
    "topk": "torch.topk(a, 10, 1)",
    "transpose": "batch.transpose(1, 2).contiguous()",
    "trapezoid.x": "torch.trapezoid(a, b)",
    "unfold": "a.unfold(1, 4, 4).contiguous()",
    "unsqueeze": "a.unsqueeze(1).contiguous()",
    "upsample": "F.interpolate(images, scale_factor=2, mode='bilinear')",
    "vector_norm": "torch.linalg.vector_norm(a, 2.0, 1)",
    "view": "a.view(-1).contiguous()",
    "view.dtype": "a.view(torch.int32).contiguous()",
    "view_as_complex": "torch.view_as_complex(a.view(-1, 2)).contiguous()",
    "view_as_real": "torch.view_as_real(z).contiguous()",
    "where": "torch.where(mask, a, b)",
    "xlog1py": "torch.special.xlog1py(a, pos)",
    "xlogy": "torch.xlogy(a, pos)",
    "zeta": "torch.special.zeta(pos2, pos)",
}
"""Op -> the call that is timed."""

FIXED = ("picks", "targets", "signs", "moments")
"""First letters of the inputs that have no gradient though they are floating."""

WITHOUT = {
    "deform_conv2d": "torchvision's",
    "nms_keep": "torchvision's",
    "ps_roi_align": "torchvision's",
    "ps_roi_pool": "torchvision's",
    "roi_align": "torchvision's",
    "roi_pool_places": "torchvision's",
    "roi_take": "torchvision's",
    "select.moving": "`select` with its position as an input",
    "slice.moving": "`slice` with its position as an input",
    "wide_product": "`mm` whose result is wider than its operands; PyTorch has it on accelerators only",
    "grouped_mm": "PyTorch has it in bfloat16 only",
}
"""Ops that are not timed, and why."""


def _tensors(result):
    if isinstance(result, torch.Tensor):
        return [result]
    return [t for part in result for t in _tensors(part)] if isinstance(result, (tuple, list)) else []


def _loop(name, gradients, compiled):
    if compiled:
        raise NotImplementedError("torch.compile of single ops")
    torch.manual_seed(0)
    code = compile(CALLS[name], name, "eval")
    inputs = {each: INPUTS[each]() for each in code.co_names if each in INPUTS}
    scope = {"torch": torch, "F": F, "SIDE": SIDE, **inputs}
    if not gradients:
        for x in inputs.values():
            if isinstance(x, torch.nn.Module):
                x.requires_grad_(False)
        return lambda: eval(code, scope)
    moving = [x for key, x in inputs.items() if isinstance(x, torch.Tensor) and not key.startswith(FIXED)]
    varied = [x.requires_grad_() for x in moving if x.is_floating_point() or x.is_complex()]
    cotangents = [torch.ones_like(t) for t in _tensors(eval(code, scope)) if t.requires_grad]
    if not cotangents:
        raise TypeError("nothing to differentiate")

    def step():
        results = [t for t in _tensors(eval(code, scope)) if t.requires_grad]
        return torch.autograd.grad(results, varied, cotangents, allow_unused=True)

    return step


def wait(result):
    """Have the result computed: look at it from NumPy, which copies nothing."""
    for t in _tensors(result):
        t.numpy(force=True)


LOOPS = {f"op:{name}": functools.partial(_loop, name, False) for name in CALLS}
LOOPS |= {f"grad:{name}": functools.partial(_loop, name, True) for name in CALLS}
