"""Calls of ``nn.functional`` that the recorder runs with PyTorch and the tests with this package.

A case is ``(name, expression)``. In the expression ``R(*shape)`` is a leaf with gradient, ``C(*shape)`` a constant,
``U(*shape)`` a leaf in (0, 1), ``I(high, *shape)`` integers, ``B(*shape)`` bools; all come from one seeded stream.
"""

# ruff: noqa: E501  (tables of calls, one a line)

from __future__ import annotations

CASES: list[tuple[str, str]] = [
    # linear maps and convolutions
    ("linear_1d", "F.linear(R(4), R(6, 4), R(6))"),
    ("linear_1d_nobias", "F.linear(R(4), R(6, 4))"),
    ("linear_2d", "F.linear(R(2, 4), R(6, 4), R(6))"),
    ("linear_2d_nobias", "F.linear(R(2, 4), R(6, 4))"),
    ("linear_3d", "F.linear(R(2, 3, 4), R(6, 4), R(6))"),
    ("linear_3d_nobias", "F.linear(R(2, 3, 4), R(6, 4))"),
    ("linear_strided", "F.linear(R(3, 2, 4).transpose(0, 1), R(6, 4), R(6))"),
    ("linear_vector", "F.linear(R(3, 4), R(4))"),
    ("bilinear", "F.bilinear(R(2, 3), R(2, 4), R(5, 3, 4), R(5))"),
    ("conv1d", "F.conv1d(R(2, 3, 8), R(4, 3, 3), R(4), stride=2, padding=1)"),
    ("conv2d", "F.conv2d(R(2, 3, 8, 7), R(4, 3, 3, 3), R(4))"),
    ("conv2d_unbatched", "F.conv2d(R(3, 8, 7), R(4, 3, 3, 3), R(4))"),
    ("conv2d_same_even", "F.conv2d(R(2, 3, 8, 7), R(4, 3, 4, 3), padding='same')"),
    ("conv2d_same", "F.conv2d(R(2, 3, 8, 7), R(4, 3, 3, 3), padding='same', dilation=2)"),
    ("conv2d_valid_groups", "F.conv2d(R(2, 4, 8, 7), R(4, 1, 3, 3), padding='valid', groups=4)"),
    ("conv2d_stride_dilation", "F.conv2d(R(2, 3, 9, 9), R(4, 3, 3, 2), R(4), (2, 3), (1, 2), (2, 1))"),
    ("conv3d", "F.conv3d(R(2, 3, 5, 4, 6), R(2, 3, 2, 3, 3), R(2), padding=(0, 1, 1))"),
    ("conv_transpose1d", "F.conv_transpose1d(R(2, 3, 5), R(3, 2, 3), R(2), stride=2, output_padding=1)"),
    ("conv_transpose2d", "F.conv_transpose2d(R(2, 4, 5, 4), R(4, 1, 3, 3), R(2), 2, 1, 1, 2)"),
    ("conv_transpose2d_unbatched", "F.conv_transpose2d(R(3, 5, 4), R(3, 2, 3, 3), dilation=2)"),
    ("conv_transpose3d", "F.conv_transpose3d(R(1, 2, 3, 3, 2), R(2, 2, 2, 2, 2), R(2), stride=(1, 2, 1))"),
    ("conv_tbc", "F.conv_tbc(R(5, 2, 3), R(3, 3, 4), R(4), 1)"),
    # pooling
    ("max_pool1d", "F.max_pool1d(R(2, 3, 9), 3, 2, 1)"),
    ("max_pool1d_indices", "F.max_pool1d(R(2, 3, 9), 3, 2, 1, return_indices=True)"),
    ("max_pool1d_unbatched", "F.max_pool1d(R(3, 9), 2)"),
    ("max_pool2d", "F.max_pool2d(R(2, 3, 8, 8), 2)"),
    ("max_pool2d_indices", "F.max_pool2d(R(2, 3, 9, 8), (3, 2), (2, 1), (1, 1), (1, 2), True, True)"),
    ("max_pool2d_ties", "F.max_pool2d(R(2, 3, 6, 6).round(), 3, 1, 1)"),
    ("max_pool2d_large", "F.max_pool2d(R(1, 2, 12, 12), 7, 2, 3)"),
    ("max_pool3d", "F.max_pool3d(R(1, 2, 5, 6, 5), 2, padding=1, return_indices=True)"),
    ("avg_pool1d", "F.avg_pool1d(R(2, 3, 9), 3, 2, 1)"),
    ("avg_pool2d", "F.avg_pool2d(R(2, 3, 8, 8), 2)"),
    ("avg_pool2d_ceil", "F.avg_pool2d(R(2, 3, 8, 9), 3, 2, 1, True, False)"),
    ("avg_pool2d_divisor", "F.avg_pool2d(R(2, 3, 8, 9), 3, divisor_override=4)"),
    ("avg_pool3d", "F.avg_pool3d(R(1, 2, 5, 6, 5), 2, padding=1)"),
    ("adaptive_avg_pool1d", "F.adaptive_avg_pool1d(R(2, 3, 8), 3)"),
    ("adaptive_avg_pool2d_one", "F.adaptive_avg_pool2d(R(2, 3, 8, 8), 1)"),
    ("adaptive_avg_pool2d", "F.adaptive_avg_pool2d(R(2, 3, 8, 7), (None, 3))"),
    ("adaptive_avg_pool3d", "F.adaptive_avg_pool3d(R(2, 4, 5, 6), (2, 3, 4))"),
    ("adaptive_max_pool1d", "F.adaptive_max_pool1d(R(2, 3, 8), 3, return_indices=True)"),
    ("adaptive_max_pool2d", "F.adaptive_max_pool2d(R(2, 3, 8, 7), (3, None), return_indices=True)"),
    ("adaptive_max_pool3d", "F.adaptive_max_pool3d(R(1, 2, 4, 5, 6), 3)"),
    ("lp_pool1d", "F.lp_pool1d(U(2, 3, 8), 2, 2)"),
    ("lp_pool2d", "F.lp_pool2d(U(2, 3, 8, 8), 3, (2, 3), 2)"),
    ("lp_pool3d", "F.lp_pool3d(U(1, 2, 4, 4, 4), 2, 2)"),
    ("max_unpool1d", "F.max_unpool1d(*F.max_pool1d(R(2, 3, 8), 2, return_indices=True), 2)"),
    ("max_unpool2d", "F.max_unpool2d(*F.max_pool2d(R(2, 3, 7, 7), 2, return_indices=True), 2, output_size=(7, 7))"),
    ("max_unpool3d", "F.max_unpool3d(*F.max_pool3d(R(1, 2, 4, 4, 4), 2, return_indices=True), 2)"),
    ("fractional_max_pool2d", "F.fractional_max_pool2d(R(2, 3, 8, 7), 2, 4, return_indices=True)"),
    ("fractional_max_pool3d", "F.fractional_max_pool3d(R(2, 3, 6, 6, 5), 2, output_ratio=0.5)"),
    # normalisation
    ("batch_norm_train", "F.batch_norm(R(4, 3, 5), C(3), U(3).detach(), R(3), R(3), True, 0.3)"),
    ("batch_norm_plain", "F.batch_norm(R(6, 3), None, None, training=True)"),
    ("batch_norm_eval", "F.batch_norm(R(4, 3, 5), C(3), U(3).detach(), R(3), R(3))"),
    ("layer_norm", "F.layer_norm(R(2, 3, 4), (3, 4), R(3, 4), R(3, 4))"),
    ("layer_norm_plain", "F.layer_norm(R(2, 3, 4), [4])"),
    ("group_norm", "F.group_norm(R(2, 6, 4), 3, R(6), R(6))"),
    ("instance_norm", "F.instance_norm(R(2, 3, 4, 5), weight=R(3), bias=R(3))"),
    ("instance_norm_eval", "F.instance_norm(R(2, 3, 4), C(3), U(3).detach(), use_input_stats=False)"),
    ("rms_norm", "F.rms_norm(R(2, 3, 4), (4,), R(4))"),
    ("local_response_norm", "F.local_response_norm(R(2, 6, 4, 3), 3, 0.1)"),
    ("local_response_norm_3d", "F.local_response_norm(R(2, 6, 4), 4, 0.1)"),
    ("normalize", "F.normalize(R(3, 4))"),
    ("normalize_p1", "F.normalize(R(3, 4), p=1.0, dim=0)"),
    # losses
    ("cross_entropy", "F.cross_entropy(R(5, 4), I(4, 5))"),
    ("cross_entropy_weight_ignore", "F.cross_entropy(R(5, 4), I(4, 5), U(4).detach(), ignore_index=1)"),
    ("cross_entropy_none", "F.cross_entropy(R(5, 4), I(4, 5), reduction='none')"),
    ("cross_entropy_smooth", "F.cross_entropy(R(5, 4), I(4, 5), label_smoothing=0.1)"),
    (
        "cross_entropy_smooth_weight",
        "F.cross_entropy(R(5, 4), I(4, 5), U(4).detach(), ignore_index=2, label_smoothing=0.1)",
    ),
    ("cross_entropy_smooth_none", "F.cross_entropy(R(5, 4), I(4, 5), reduction='none', label_smoothing=0.1)"),
    ("cross_entropy_prob", "F.cross_entropy(R(5, 4), U(5, 4), U(4).detach(), label_smoothing=0.2)"),
    ("cross_entropy_prob_none", "F.cross_entropy(R(5, 4), U(5, 4), reduction='none')"),
    ("cross_entropy_1d", "F.cross_entropy(R(4), I(4))"),
    ("cross_entropy_3d", "F.cross_entropy(R(2, 4, 3), I(4, 2, 3), reduction='sum')"),
    ("cross_entropy_3d_none", "F.cross_entropy(R(2, 4, 3), I(4, 2, 3), reduction='none')"),
    ("cross_entropy_4d", "F.cross_entropy(R(2, 4, 3, 2), I(4, 2, 3, 2))"),
    ("nll_loss", "F.nll_loss(R(5, 4), I(4, 5), reduction='sum')"),
    ("mse_loss", "F.mse_loss(R(3, 4), R(3, 4))"),
    ("mse_loss_weight", "F.mse_loss(R(3, 4), R(3, 4), weight=U(3, 4).detach())"),
    ("l1_loss", "F.l1_loss(R(3, 4), R(3, 4), reduction='sum')"),
    ("l1_loss_weight", "F.l1_loss(R(3, 4), R(3, 4), weight=U(3, 4).detach())"),
    ("smooth_l1_loss", "F.smooth_l1_loss(R(3, 4), R(3, 4), beta=0.5)"),
    ("smooth_l1_loss_0", "F.smooth_l1_loss(R(3, 4), R(3, 4), beta=0.0)"),
    ("huber_loss", "F.huber_loss(R(3, 4), R(3, 4), delta=0.5)"),
    ("huber_loss_weight", "F.huber_loss(R(3, 4), R(3, 4), weight=U(3, 4).detach())"),
    ("binary_cross_entropy", "F.binary_cross_entropy(U(3, 4), U(3, 4), U(4).detach())"),
    ("bce_with_logits", "F.binary_cross_entropy_with_logits(R(3, 4), U(3, 4))"),
    (
        "bce_with_logits_weights",
        "F.binary_cross_entropy_with_logits(R(3, 4), U(3, 4), U(4).detach(), pos_weight=U(4).detach())",
    ),
    ("kl_div", "F.kl_div(R(3, 4), U(3, 4), reduction='batchmean')"),
    ("kl_div_log", "F.kl_div(R(3, 4), R(3, 4), log_target=True, reduction='none')"),
    ("poisson_nll_loss", "F.poisson_nll_loss(R(3, 4), U(3, 4) * 3, full=True)"),
    ("poisson_nll_loss_plain", "F.poisson_nll_loss(U(3, 4), U(3, 4), log_input=False)"),
    ("gaussian_nll_loss", "F.gaussian_nll_loss(R(3, 4), R(3, 4), U(3, 1), full=True)"),
    ("gaussian_nll_loss_number", "F.gaussian_nll_loss(R(3, 4), R(3, 4), 2.0)"),
    ("hinge_embedding_loss", "F.hinge_embedding_loss(R(3, 4), I(2, 3, 4) * 2 - 1)"),
    ("soft_margin_loss", "F.soft_margin_loss(R(3, 4), I(2, 3, 4) * 2.0 - 1)"),
    ("multi_margin_loss", "F.multi_margin_loss(R(3, 4), I(4, 3), 2, 0.5, U(4).detach())"),
    ("multilabel_margin_loss", "F.multilabel_margin_loss(R(2, 4), torch.tensor([[3, 0, -1, 1], [1, -1, 0, 0]]))"),
    ("multilabel_soft_margin_loss", "F.multilabel_soft_margin_loss(R(3, 4), I(2, 3, 4), U(4).detach())"),
    ("margin_ranking_loss", "F.margin_ranking_loss(R(4), R(4), I(2, 4) * 2 - 1, 0.1)"),
    ("cosine_embedding_loss", "F.cosine_embedding_loss(R(3, 4), R(3, 4), I(2, 3) * 2 - 1, 0.2)"),
    ("triplet_margin_loss", "F.triplet_margin_loss(R(3, 4), R(3, 4), R(3, 4), swap=True)"),
    (
        "triplet_margin_with_distance_loss",
        "F.triplet_margin_with_distance_loss(R(3, 4), R(3, 4), R(3, 4), distance_function=lambda a, b: (a - b).abs().sum(-1))",
    ),
    (
        "ctc_loss",
        "F.ctc_loss(R(6, 2, 4).log_softmax(-1), I(3, 2, 3) + 1, torch.tensor([6, 5]), torch.tensor([3, 2]))",
    ),
    ("ctc_loss_flat", "F.ctc_loss(R(6, 2, 4).log_softmax(-1), I(3, 5) + 1, (6, 6), (2, 3), reduction='sum')"),
    (
        "ctc_loss_unbatched",
        "F.ctc_loss(R(6, 4).log_softmax(-1), I(3, 2) + 1, torch.tensor(6), torch.tensor(2), reduction='none')",
    ),
    ("linear_cross_entropy", "F.linear_cross_entropy(R(3, 4), R(5, 4), I(5, 3), linear_bias=R(5))"),
    # embeddings
    ("embedding", "F.embedding(I(5, 2, 3), R(5, 4), padding_idx=-2)"),
    ("embedding_freq", "F.embedding(I(5, 2, 3), R(5, 4), scale_grad_by_freq=True)"),
    ("embedding_max_norm", "F.embedding(I(5, 2, 3), C(5, 4), max_norm=1.0)"),
    ("embedding_bag", "F.embedding_bag(I(5, 2, 3), R(5, 4))"),
    ("embedding_bag_sum", "F.embedding_bag(I(5, 6), R(5, 4), torch.tensor([0, 2, 2]), mode='sum', per_sample_weights=R(6))"),
    ("embedding_bag_max", "F.embedding_bag(I(5, 6), R(5, 4), torch.tensor([0, 2, 6]), mode='max', include_last_offset=True)"),
    ("one_hot", "F.one_hot(I(4, 2, 3))"),
    ("one_hot_classes", "F.one_hot(I(4, 5), 6)"),
    # attention
    ("sdpa", "F.scaled_dot_product_attention(R(2, 2, 5, 4), R(2, 2, 6, 4), R(2, 2, 6, 4))"),
    ("sdpa_causal", "F.scaled_dot_product_attention(R(2, 2, 5, 4), R(2, 2, 6, 4), R(2, 2, 6, 4), is_causal=True)"),
    ("sdpa_bool", "F.scaled_dot_product_attention(R(2, 2, 5, 4), R(2, 2, 6, 4), R(2, 2, 6, 4), B(5, 6))"),
    ("sdpa_gqa", "F.scaled_dot_product_attention(R(2, 4, 5, 4), R(2, 2, 5, 4), R(2, 2, 5, 4), scale=0.3, enable_gqa=True)"),
    ("sdpa_dropout", "F.scaled_dot_product_attention(R(2, 2, 5, 4), R(2, 2, 6, 4), R(2, 2, 6, 4), dropout_p=0.3)"),
    (
        "mha_self",
        "(lambda x: F.multi_head_attention_forward(x, x, x, 4, 2, R(12, 4), R(12), None, None, False, 0.0, R(4, 4), R(4)))(R(3, 2, 4))",
    ),
    (
        "mha_masks",
        "(lambda x, y: F.multi_head_attention_forward(x, y, y, 4, 2, R(12, 4), R(12), R(1, 1, 4), R(1, 1, 4), True, 0.5, "
        "R(4, 4), R(4), training=False, key_padding_mask=torch.tensor([[False, True, False, False, False]] * 2), attn_mask=C(3, 5), "
        "average_attn_weights=False))(R(3, 2, 4), R(5, 2, 4))",
    ),
    (
        "mha_separate_causal",
        "F.multi_head_attention_forward(R(3, 2, 4), R(3, 2, 5), R(3, 2, 6), 4, 2, None, R(12), None, None, False, 0.0, R(4, 4), "
        "R(4), need_weights=False, attn_mask=torch.ones(3, 3).triu(1).bool(), is_causal=True, use_separate_proj_weight=True, "
        "q_proj_weight=R(4, 4), k_proj_weight=R(4, 5), v_proj_weight=R(4, 6))",
    ),
    (
        "mha_unbatched_dropout",
        "F.multi_head_attention_forward(R(3, 4), R(5, 4), R(5, 4), 4, 2, R(12, 4), None, None, None, False, 0.4, R(4, 4), None)",
    ),
    # dropout and other draws
    ("dropout", "F.dropout(R(4, 5), 0.3)"),
    ("dropout_inplace", "F.dropout(R(4, 5) * 1, 0.3, inplace=True)"),
    ("dropout_transposed", "F.dropout(R(4, 5).t() * 1, 0.3)"),
    ("dropout_one", "F.dropout(R(4, 5), 1.0)"),
    ("dropout1d", "F.dropout1d(R(4, 5), 0.5)"),
    ("dropout2d", "F.dropout2d(R(4, 5, 2, 2), 0.5)"),
    ("dropout3d", "F.dropout3d(R(4, 2, 2, 2), 0.5)"),
    ("alpha_dropout", "F.alpha_dropout(R(4, 5), 0.3, True)"),
    ("feature_alpha_dropout", "F.feature_alpha_dropout(R(4, 5, 2), 0.3, True)"),
    ("rrelu_train", "F.rrelu(R(4, 5), training=True)"),
    ("rrelu_eval", "F.rrelu(R(4, 5))"),
    ("gumbel_softmax", "F.gumbel_softmax(R(4, 5), 0.7)"),
    ("gumbel_softmax_hard", "F.gumbel_softmax(R(4, 5), hard=True)"),
    # activations
    *((f"act_{n}", f"F.{n}(R(3, 4))") for n in (
        "relu", "relu6", "hardtanh", "elu", "selu", "celu", "leaky_relu", "silu", "mish", "hardsigmoid", "hardswish",
        "gelu", "logsigmoid", "softsign", "tanhshrink", "softplus", "hardshrink", "softshrink", "sigmoid", "tanh",
    )),
    *((f"act_{n}_inplace", f"F.{n}(R(3, 4) * 1, inplace=True)") for n in (
        "relu", "relu6", "hardtanh", "elu", "selu", "celu", "leaky_relu", "silu", "mish", "hardsigmoid", "hardswish",
    )),
    ("act_threshold", "F.threshold(R(3, 4), 0.1, 2.0)"),
    ("act_glu", "F.glu(R(3, 4))"),
    ("act_prelu", "F.prelu(R(3, 4), R(4))"),
    ("act_softmax", "F.softmax(R(3, 4), -1)"),
    ("act_log_softmax", "F.log_softmax(R(3, 4), 0)"),
    ("act_softmin", "F.softmin(R(3, 4), 1)"),
    # padding and resampling
    ("pad_constant", "F.pad(R(2, 3, 4), (1, 2, -1, 0), value=0.5)"),
    ("pad_reflect", "F.pad(R(2, 3, 4, 5), (1, 2, 3, 0), mode='reflect')"),
    ("pad_replicate", "F.pad(R(2, 3, 4), (5, 2), mode='replicate')"),
    ("pad_circular", "F.pad(R(2, 3, 4, 5), (1, 2, 3, 0), mode='circular')"),
    ("pad_circular_cut", "F.pad(R(2, 3, 6), (-2, 3), mode='circular')"),
    ("interpolate_nearest", "F.interpolate(R(2, 3, 4, 5), scale_factor=2)"),
    ("interpolate_bilinear", "F.interpolate(R(2, 3, 4, 5), scale_factor=1.7, mode='bilinear')"),
    ("interpolate_recompute", "F.interpolate(R(2, 3, 5), scale_factor=1.7, mode='linear', recompute_scale_factor=True)"),
    ("interpolate_bicubic", "F.interpolate(R(2, 3, 4, 5), (7, 3), mode='bicubic', align_corners=True)"),
    ("interpolate_area", "F.interpolate(R(2, 3, 4, 5), (3, 3), mode='area')"),
    ("interpolate_antialias", "F.interpolate(R(2, 3, 8, 9), (3, 5), mode='bicubic', antialias=True)"),
    ("interpolate_trilinear", "F.interpolate(R(1, 2, 3, 4, 3), (4, 5, 2), mode='trilinear')"),
    ("grid_sample", "F.grid_sample(R(2, 3, 4, 5), R(2, 3, 2, 2), align_corners=False)"),
    ("grid_sample_reflect", "F.grid_sample(R(1, 2, 3, 4, 3), R(1, 2, 2, 2, 3), padding_mode='reflection', align_corners=True)"),
    ("affine_grid", "F.affine_grid(R(2, 2, 3), (2, 3, 4, 5), align_corners=False)"),
    ("pixel_shuffle", "F.pixel_shuffle(R(2, 8, 3, 2), 2)"),
    ("pixel_unshuffle", "F.pixel_unshuffle(R(2, 3, 4, 6), 2)"),
    ("channel_shuffle", "F.channel_shuffle(R(2, 6, 3, 2), 3)"),
    ("unfold", "F.unfold(R(2, 3, 5, 6), (2, 3), padding=1, stride=2)"),
    ("fold", "F.fold(R(2, 12, 9), (4, 4), 2)"),
    # distances
    ("cosine_similarity", "F.cosine_similarity(R(3, 4), R(4), dim=-1)"),
    ("pairwise_distance", "F.pairwise_distance(R(3, 4), R(3, 4), keepdim=True)"),
    ("pdist", "F.pdist(R(4, 3), 3.0)"),
    ("cdist", "torch.cdist(R(3, 4), R(5, 4))"),
    ("cdist_large", "torch.cdist(R(30, 4), R(5, 4))"),
]  # fmt: skip


def run_case(expression: str, torch, functional, numpy, leaves: list) -> list:
    """Evaluate one case; the leaves it made are appended to ``leaves``."""
    rng = numpy.random.default_rng(sum(expression.encode()))
    torch.manual_seed(7)

    def leaf(values):
        made = torch.tensor(values.astype("float32"), requires_grad=True)
        leaves.append(made)
        return made

    names = {
        "torch": torch,
        "F": functional,
        "R": lambda *shape: leaf(rng.uniform(-2, 2, shape)),
        "U": lambda *shape: leaf(rng.uniform(0.05, 0.95, shape)),
        "C": lambda *shape: torch.tensor(rng.uniform(-2, 2, shape).astype("float32")),
        "I": lambda high, *shape: torch.tensor(rng.integers(0, high, shape)),
        "B": lambda *shape: torch.tensor(rng.uniform(0, 1, shape) < 0.6),
    }
    result = eval(expression, names)  # noqa: S307
    outputs = [r for r in (result if isinstance(result, (tuple, list)) else [result]) if r is not None]
    total = None
    for out in outputs:
        if out.requires_grad:
            weight = torch.tensor(rng.uniform(0.5, 1.5, tuple(out.shape)).astype("float32"))
            part = (out * weight).sum()
            total = part if total is None else total + part
    if total is not None:
        total.backward()
    return outputs
