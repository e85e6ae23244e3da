"""``torch.nn.functional``: losses, activations, pooling, padding, resampling."""

from __future__ import annotations

import math
from typing import Any

from ..registry import case, raises, same


@case("torch.nn.functional.mse_loss")
def reductions_are_mean_sum_none(torch: Any) -> None:
    loss, a, b = torch.nn.functional.mse_loss, torch.tensor([1.0, 3.0]), torch.zeros(2)
    same(loss(a, b), torch.tensor(5.0))
    same(loss(a, b, reduction="sum"), torch.tensor(10.0))
    same(loss(a, b, reduction="none"), torch.tensor([1.0, 9.0]))
    raises(ValueError, "average is not a valid value for reduction", loss, a, b, reduction="average")


@case("torch.nn.functional.huber_loss")
def is_linear_beyond_delta(torch: Any) -> None:
    out = torch.nn.functional.huber_loss(torch.tensor([0.5, 3.0]), torch.zeros(2), reduction="none", delta=2.0)
    same(out, torch.tensor([0.125, 4.0]))


@case("torch.nn.functional.smooth_l1_loss")
def beta_zero_is_the_l1_loss(torch: Any) -> None:
    a, b = torch.tensor([0.5, -3.0]), torch.zeros(2)
    same(torch.nn.functional.smooth_l1_loss(a, b, beta=0.0), torch.nn.functional.l1_loss(a, b))
    same(torch.nn.functional.smooth_l1_loss(a, b, reduction="none"), torch.tensor([0.125, 2.5]))


@case("torch.nn.functional.nll_loss")
def weights_divide_the_mean(torch: Any) -> None:
    logp = torch.tensor([[-1.0, -2.0], [-3.0, -4.0]])
    loss = torch.nn.functional.nll_loss(logp, torch.tensor([0, 1]), weight=torch.tensor([1.0, 3.0]))
    same(loss, torch.tensor((1 + 12) / 4))


@case("torch.nn.functional.cross_entropy")
def classes_are_the_second_dim(torch: Any) -> None:
    loss = torch.nn.functional.cross_entropy(
        torch.zeros(2, 5, 3, 4), torch.zeros(2, 3, 4, dtype=torch.long), reduction="none"
    )
    assert loss.shape == (2, 3, 4)
    same(loss[0, 0, 0], torch.tensor(math.log(5)), atol=1e-6)
    same(torch.nn.functional.cross_entropy(torch.zeros(5), torch.tensor(2)), torch.tensor(math.log(5)), atol=1e-6)


@case("torch.nn.functional.cross_entropy")
def all_targets_ignored_gives_nan(torch: Any) -> None:
    loss = torch.nn.functional.cross_entropy
    assert math.isnan(loss(torch.zeros(2, 3), torch.tensor([-100, -100])).item())
    same(loss(torch.zeros(2, 3), torch.tensor([1, 1]), ignore_index=1, reduction="sum"), torch.tensor(0.0))


@case("torch.nn.functional.binary_cross_entropy")
def logarithms_are_clamped(torch: Any) -> None:
    loss = torch.nn.functional.binary_cross_entropy
    same(loss(torch.tensor([0.0]), torch.tensor([1.0])), torch.tensor(100.0))
    words = "all elements of input should be between 0 and 1"
    raises(RuntimeError, words, lambda: loss(torch.tensor([2.0]), torch.tensor([1.0])).item())


@case("torch.nn.functional.binary_cross_entropy_with_logits")
def pos_weight_counts_positive_targets(torch: Any) -> None:
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    out = loss(torch.zeros(2), torch.tensor([1.0, 0.0]), pos_weight=torch.tensor([3.0]), reduction="none")
    same(out, torch.tensor([3 * math.log(2), math.log(2)]), atol=1e-6)
    raises(ValueError, "Target size", loss, torch.zeros(2), torch.zeros(3))


@case("torch.nn.functional.kl_div")
def takes_logarithms_first(torch: Any) -> None:
    p = torch.tensor([[0.5, 0.5]])
    same(torch.nn.functional.kl_div(p.log(), p, reduction="batchmean"), torch.tensor(0.0))
    same(torch.nn.functional.kl_div(torch.zeros(1, 2), p.log(), reduction="sum", log_target=True),
         torch.tensor(-math.log(2)), atol=1e-6)  # fmt: skip


@case("torch.nn.functional.cosine_similarity")
def dim_is_one_by_default(torch: Any) -> None:
    a, b = torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.0, 2.0], [3.0, 3.0]])
    same(torch.nn.functional.cosine_similarity(a, b), torch.tensor([0.0, 1.0]), atol=1e-6)


@case("torch.nn.functional.pairwise_distance")
def eps_is_added_to_the_difference(torch: Any) -> None:
    out = torch.nn.functional.pairwise_distance(torch.zeros(1, 1), torch.zeros(1, 1), eps=0.5)
    same(out, torch.tensor([0.5]))


@case("torch.nn.functional.triplet_margin_loss")
def easy_triplets_cost_nothing(torch: Any) -> None:
    a, p, n = torch.zeros(1, 2), torch.zeros(1, 2), torch.full((1, 2), 9.0)
    same(torch.nn.functional.triplet_margin_loss(a, p, n), torch.tensor(0.0))
    same(torch.nn.functional.triplet_margin_loss(a, n, n), torch.tensor(1.0), atol=1e-5)


@case("torch.nn.functional.hinge_embedding_loss")
def targets_are_one_and_minus_one(torch: Any) -> None:
    out = torch.nn.functional.hinge_embedding_loss(
        torch.tensor([0.25, 0.25]), torch.tensor([1.0, -1.0]), reduction="none"
    )
    same(out, torch.tensor([0.25, 0.75]))


@case("torch.nn.functional.margin_ranking_loss")
def order_counts(torch: Any) -> None:
    out = torch.nn.functional.margin_ranking_loss(
        torch.tensor([1.0]), torch.tensor([3.0]), torch.tensor([1.0]), margin=0.5
    )
    same(out, torch.tensor(2.5))


@case("torch.nn.functional.gaussian_nll_loss")
def variances_are_not_negative(torch: Any) -> None:
    loss = torch.nn.functional.gaussian_nll_loss
    same(loss(torch.tensor([1.0]), torch.tensor([3.0]), torch.tensor([1.0])), torch.tensor(2.0))
    raises(ValueError, "var has negative entry/entries", loss, torch.ones(1), torch.ones(1), -torch.ones(1))


@case("torch.nn.functional.ctc_loss")
def one_frame_one_label(torch: Any) -> None:
    logp = torch.full((1, 1, 4), math.log(0.25))
    loss = torch.nn.functional.ctc_loss(
        logp, torch.tensor([[2]]), torch.tensor([1]), torch.tensor([1]), reduction="sum"
    )
    same(loss, torch.tensor(math.log(4)), atol=1e-5)


@case("torch.nn.functional.leaky_relu")
def slope_is_one_hundredth(torch: Any) -> None:
    same(torch.nn.functional.leaky_relu(torch.tensor([-100.0, 2.0])), torch.tensor([-1.0, 2.0]), atol=1e-6)


@case("torch.nn.functional.gelu")
def tanh_form_is_an_approximation(torch: Any) -> None:
    x = torch.tensor([1.0])
    same(torch.nn.functional.gelu(x), torch.tensor([0.5 * (1 + math.erf(1 / math.sqrt(2)))]), atol=1e-6)
    same(torch.nn.functional.gelu(x, approximate="tanh"), torch.tensor([0.841192]), atol=1e-5)
    raises(
        RuntimeError, "approximate argument must be either none or tanh", torch.nn.functional.gelu, x, approximate="no"
    )


@case("torch.nn.functional.softplus")
def becomes_linear_above_the_threshold(torch: Any) -> None:
    same(torch.nn.functional.softplus(torch.tensor([0.0, 30.0])), torch.tensor([math.log(2), 30.0]), atol=1e-6)


@case("torch.nn.functional.hardtanh")
def bounds_are_checked(torch: Any) -> None:
    same(torch.nn.functional.hardtanh(torch.tensor([-3.0, 0.5, 3.0])), torch.tensor([-1.0, 0.5, 1.0]))
    same(torch.nn.functional.relu6(torch.tensor([9.0])), torch.tensor([6.0]))
    same(torch.nn.functional.hardsigmoid(torch.tensor([-3.0, 0.0, 3.0])), torch.tensor([0.0, 0.5, 1.0]))


@case("torch.nn.functional.elu")
def negative_side_ends_at_minus_alpha(torch: Any) -> None:
    same(torch.nn.functional.elu(torch.tensor([-100.0, 1.0]), alpha=2.0), torch.tensor([-2.0, 1.0]))


@case("torch.nn.functional.glu")
def halves_the_dim(torch: Any) -> None:
    same(torch.nn.functional.glu(torch.tensor([2.0, 4.0, 0.0, 0.0])), torch.tensor([1.0, 2.0]))
    raises(
        RuntimeError,
        "Halving dimension must be even, but dimension 0 is size 3",
        torch.nn.functional.glu,
        torch.ones(3),
    )


@case("torch.nn.functional.threshold")
def equals_are_replaced(torch: Any) -> None:
    same(torch.nn.functional.threshold(torch.tensor([1.0, 2.0, 3.0]), 2.0, -1.0), torch.tensor([-1.0, -1.0, 3.0]))


@case("torch.nn.functional.prelu")
def one_slope_for_each_channel(torch: Any) -> None:
    out = torch.nn.functional.prelu(torch.full((1, 2, 1), -1.0), torch.tensor([0.5, 2.0]))
    same(out, torch.tensor([[[-0.5], [-2.0]]]))


@case("torch.nn.functional.softmax")
def rows_of_minus_infinity_are_nan(torch: Any) -> None:
    out = torch.nn.functional.softmax(torch.tensor([[-math.inf, -math.inf], [0.0, -math.inf]]), dim=1)
    same(out, torch.tensor([[math.nan, math.nan], [1.0, 0.0]]))
    same(torch.nn.functional.softmin(torch.tensor([0.0, math.inf]), dim=0), torch.tensor([1.0, 0.0]))


@case("torch.nn.functional.log_softmax")
def dtype_is_applied_first(torch: Any) -> None:
    out = torch.nn.functional.log_softmax(torch.zeros(2), dim=0, dtype=torch.float64)
    same(out, torch.full((2,), -math.log(2), dtype=torch.float64), atol=1e-12)


@case("torch.nn.functional.gumbel_softmax")
def hard_samples_are_one_hot(torch: Any) -> None:
    out = torch.nn.functional.gumbel_softmax(torch.zeros(20, 4, requires_grad=True), hard=True)
    assert out.requires_grad and out.sum(1).tolist() == [1.0] * 20 and set(out.flatten().tolist()) == {0.0, 1.0}


@case("torch.nn.functional.normalize")
def zero_rows_stay_zero(torch: Any) -> None:
    same(torch.nn.functional.normalize(torch.tensor([[3.0, 4.0], [0.0, 0.0]])), torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


@case("torch.nn.functional.layer_norm")
def divides_by_the_biased_deviation(torch: Any) -> None:
    out = torch.nn.functional.layer_norm(torch.tensor([[1.0, 3.0]]), (2,), bias=torch.ones(2), eps=0.0)
    same(out, torch.tensor([[0.0, 2.0]]))
    raises(RuntimeError, "Given normalized_shape=[3]", torch.nn.functional.layer_norm, torch.ones(2, 2), (3,))


@case("torch.nn.functional.rms_norm")
def subtracts_no_mean(torch: Any) -> None:
    same(torch.nn.functional.rms_norm(torch.tensor([[3.0, 3.0]]), (2,), eps=0.0), torch.tensor([[1.0, 1.0]]))


@case("torch.nn.functional.batch_norm")
def training_needs_more_than_one_value(torch: Any) -> None:
    raises(ValueError, "Expected more than 1 value per channel when training",
           torch.nn.functional.batch_norm, torch.ones(1, 2), None, None, training=True)  # fmt: skip


@case("torch.nn.functional.avg_pool2d")
def padding_counts_unless_told_otherwise(torch: Any) -> None:
    x = torch.ones(1, 1, 2, 2)
    same(torch.nn.functional.avg_pool2d(x, 2, padding=1), torch.full((1, 1, 2, 2), 0.25))
    same(torch.nn.functional.avg_pool2d(x, 2, padding=1, count_include_pad=False), torch.ones(1, 1, 2, 2))
    same(torch.nn.functional.avg_pool2d(x, 2, divisor_override=1), torch.full((1, 1, 1, 1), 4.0))


@case("torch.nn.functional.max_pool1d")
def ceil_mode_keeps_the_rest(torch: Any) -> None:
    x = torch.arange(5.0).view(1, 1, 5)
    same(torch.nn.functional.max_pool1d(x, 2), torch.tensor([[[1.0, 3.0]]]))
    same(torch.nn.functional.max_pool1d(x, 2, ceil_mode=True), torch.tensor([[[1.0, 3.0, 4.0]]]))
    raises(RuntimeError, "pad should be at most half of effective kernel size",
           torch.nn.functional.max_pool2d, torch.ones(1, 1, 4, 4), 2, padding=2)  # fmt: skip


@case("torch.nn.functional.adaptive_avg_pool1d")
def windows_may_overlap(torch: Any) -> None:
    x = torch.arange(5.0).view(1, 1, 5)
    same(torch.nn.functional.adaptive_avg_pool1d(x, 2), torch.tensor([[[1.0, 3.0]]]))
    same(torch.nn.functional.adaptive_max_pool1d(x, 3), torch.tensor([[[1.0, 3.0, 4.0]]]))


@case("torch.nn.functional.max_unpool1d")
def puts_maxima_back(torch: Any) -> None:
    x = torch.tensor([[[1.0, 5.0, 2.0, 3.0]]])
    values, indices = torch.nn.functional.max_pool1d(x, 2, return_indices=True)
    same(torch.nn.functional.max_unpool1d(values, indices, 2), torch.tensor([[[0.0, 5.0, 0.0, 3.0]]]))


@case("torch.nn.functional.lp_pool1d")
def is_the_root_of_the_sum_of_powers(torch: Any) -> None:
    same(torch.nn.functional.lp_pool1d(torch.tensor([[[3.0, 4.0]]]), 2, 2), torch.tensor([[[5.0]]]), atol=1e-5)


@case("torch.nn.functional.pad")
def modes_reflect_replicate_circular(torch: Any) -> None:
    x, pad = torch.tensor([[[1.0, 2.0, 3.0]]]), torch.nn.functional.pad
    same(pad(x, (2, 1), mode="reflect"), torch.tensor([[[3.0, 2, 1, 2, 3, 2]]]))
    same(pad(x, (2, 1), mode="replicate"), torch.tensor([[[1.0, 1, 1, 2, 3, 3]]]))
    same(pad(x, (2, 1), mode="circular"), torch.tensor([[[2.0, 3, 1, 2, 3, 1]]]))
    raises(
        RuntimeError,
        "Padding size should be less than the corresponding input dimension",
        pad,
        x,
        (3, 0),
        mode="reflect",
    )


@case("torch.nn.functional.interpolate")
def align_corners_keeps_the_ends(torch: Any) -> None:
    x, resize = torch.tensor([[[0.0, 2.0]]]), torch.nn.functional.interpolate
    same(resize(x, size=3, mode="linear", align_corners=True), torch.tensor([[[0.0, 1.0, 2.0]]]))
    same(resize(x, scale_factor=2, mode="linear"), torch.tensor([[[0.0, 0.5, 1.5, 2.0]]]))
    raises(ValueError, "only one of size or scale_factor should be defined", resize, x, size=3, scale_factor=2)
    raises(ValueError, "align_corners option can only be set", resize, x, size=3, align_corners=True)


@case("torch.nn.functional.grid_sample")
def corners_are_minus_one_and_one(torch: Any) -> None:
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    grid = torch.tensor([[[[-1.0, -1.0], [1.0, -1.0], [0.0, 0.0], [3.0, 3.0]]]])
    out = torch.nn.functional.grid_sample(x, grid, align_corners=True)
    same(out, torch.tensor([[[[1.0, 2.0, 2.5, 0.0]]]]))


@case("torch.nn.functional.affine_grid")
def identity_gives_the_pixel_centres(torch: Any) -> None:
    theta = torch.tensor([[[1.0, 0, 0], [0, 1.0, 0]]])
    grid = torch.nn.functional.affine_grid(theta, [1, 1, 1, 2], align_corners=False)
    same(grid, torch.tensor([[[[-0.5, 0.0], [0.5, 0.0]]]]))


@case("torch.nn.functional.fold")
def overlaps_add_up(torch: Any) -> None:
    patches = torch.nn.functional.unfold(torch.ones(1, 1, 1, 3), (1, 2))
    assert patches.shape == (1, 2, 2)
    same(torch.nn.functional.fold(patches, (1, 3), (1, 2)), torch.tensor([[[[1.0, 2.0, 1.0]]]]))


@case("torch.nn.functional.pixel_shuffle")
def channels_become_pixels(torch: Any) -> None:
    x = torch.arange(4.0).view(1, 4, 1, 1)
    y = torch.nn.functional.pixel_shuffle(x, 2)
    same(y, torch.tensor([[[[0.0, 1.0], [2.0, 3.0]]]]))
    same(torch.nn.functional.pixel_unshuffle(y, 2), x)


@case("torch.nn.functional.conv1d")
def groups_stride_dilation(torch: Any) -> None:
    x = torch.arange(10.0).view(1, 2, 5)
    w = torch.ones(2, 1, 2)
    same(torch.nn.functional.conv1d(x, w, groups=2, stride=2, dilation=2), torch.tensor([[[2.0, 6.0], [12.0, 16.0]]]))
    raises(RuntimeError, "to have 1 channels, but got 2 channels instead", torch.nn.functional.conv1d, x, w)


@case("torch.nn.functional.conv_transpose1d")
def output_padding_extends_one_side(torch: Any) -> None:
    x, w = torch.tensor([[[1.0, 2.0]]]), torch.ones(1, 1, 2)
    up = torch.nn.functional.conv_transpose1d
    same(up(x, w, stride=2), torch.tensor([[[1.0, 1, 2, 2]]]))
    assert up(x, w, stride=2, output_padding=1).shape == (1, 1, 5)
    raises(RuntimeError, "output padding must be smaller than either stride or dilation", up, x, w, output_padding=1)


@case("torch.nn.functional.embedding")
def max_norm_changes_the_weight(torch: Any) -> None:
    w = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    torch.nn.functional.embedding(torch.tensor([0]), w, max_norm=1.0)
    same(w, torch.tensor([[0.6, 0.8], [0.3, 0.4]]), atol=1e-5)


@case("torch.nn.functional.embedding_bag")
def offsets_start_bags(torch: Any) -> None:
    w = torch.tensor([[1.0], [2.0], [4.0]])
    bag = torch.nn.functional.embedding_bag
    same(bag(torch.tensor([0, 1, 2]), w, torch.tensor([0, 2])), torch.tensor([[1.5], [4.0]]))
    same(bag(torch.tensor([[0, 2]]), w, mode="sum"), torch.tensor([[5.0]]))
    same(bag(torch.tensor([0, 1, 2]), w, torch.tensor([0, 0]), mode="max"), torch.tensor([[0.0], [4.0]]))


@case("torch.nn.functional.one_hot")
def classes_have_to_suffice(torch: Any) -> None:
    same(torch.nn.functional.one_hot(torch.tensor(1), 3), torch.tensor([0, 1, 0]))
    raises(RuntimeError, "Class values must be smaller than num_classes",
           lambda: torch.nn.functional.one_hot(torch.tensor([3]), 2).tolist())  # fmt: skip


@case("torch.nn.functional.scaled_dot_product_attention")
def masks_exclude_or_add(torch: Any) -> None:
    attend = torch.nn.functional.scaled_dot_product_attention
    q, v = torch.zeros(1, 1, 2), torch.tensor([[[1.0, 1.0], [3.0, 3.0]]])
    k = torch.zeros(1, 2, 2)
    same(attend(q, k, v, attn_mask=torch.tensor([[True, False]])), torch.tensor([[[1.0, 1.0]]]), atol=1e-6)
    same(attend(q, k, v, attn_mask=torch.tensor([[0.0, math.log(3)]])), torch.tensor([[[2.5, 2.5]]]), atol=1e-6)
    raises(RuntimeError, "Explicit attn_mask should not be set when is_causal=True",
           attend, q, k, v, attn_mask=torch.ones(1, 2), is_causal=True)  # fmt: skip


@case("torch.nn.functional.linear")
def bias_is_optional(torch: Any) -> None:
    x, w = torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    same(torch.nn.functional.linear(x, w), torch.tensor([3.0, 2.0]))
    same(torch.nn.functional.bilinear(x, x, torch.ones(1, 2, 2)), torch.tensor([9.0]))


@case("torch.nn.functional.dropout")
def probability_one_gives_zeros(torch: Any) -> None:
    same(torch.nn.functional.dropout(torch.ones(3), 1.0), torch.zeros(3))
    same(torch.nn.functional.dropout(torch.ones(3), 0.9, training=False), torch.ones(3))
    raises(
        ValueError,
        "dropout probability has to be between 0 and 1, but got -0.1",
        torch.nn.functional.dropout,
        torch.ones(1),
        -0.1,
    )


@case("torch.nn.functional.dropout2d")
def drops_whole_channels(torch: Any) -> None:
    out = torch.nn.functional.dropout2d(torch.ones(4, 8, 3, 3))
    assert all(len(set(plane.flatten().tolist())) == 1 for plane in out.flatten(0, 1))
