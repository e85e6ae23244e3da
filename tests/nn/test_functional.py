"""``nn.functional`` against recorded PyTorch results: values, gradients, dtypes, names of backward nodes, errors."""

# ruff: noqa: E501  (tables of calls, one a line)

from __future__ import annotations

import inspect
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from functional_cases import CASES, run_case

import torchax_lite as torch
import torchax_lite.nn.functional as F

DATA = Path(__file__).resolve().parent.parent / "data"
FACTS = json.loads((DATA / "functional.json").read_text())
ARRAYS = np.load(DATA / "functional.npz")

OTHER_NODES = {
    "linear_1d_nobias": "SqueezeBackward1",
    "cross_entropy_prob": "DivBackward0",
    "act_elu_inplace": "EluBackward0",
    "act_selu_inplace": "EluBackward0",
    "act_celu_inplace": "CeluBackward0",
    "act_leaky_relu_inplace": "LeakyReluBackward0",
    "pad_circular": "CatBackward0",
    "pad_circular_cut": "CatBackward0",
    "pairwise_distance": "LinalgVectorNormBackward0",
}
"""Cases whose first backward node has another name than PyTorch's."""


@pytest.mark.parametrize(("name", "expression"), CASES, ids=[c[0] for c in CASES])
def test_as_recorded(name: str, expression: str) -> None:
    leaves: list[torch.Tensor] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs = run_case(expression, torch, F, np, leaves)
    facts = FACTS[name]
    assert [str(o.dtype) for o in outputs] == facts["dtype"]
    for i, out in enumerate(outputs):
        expected = ARRAYS[f"{name}/out{i}"]
        assert tuple(out.shape) == expected.shape
        np.testing.assert_allclose(out.detach().numpy(), expected, rtol=2e-4, atol=2e-5)
    assert [leaf.grad is not None for leaf in leaves] == facts["grads"]
    for i, leaf in enumerate(leaves):
        if leaf.grad is not None:
            np.testing.assert_allclose(leaf.grad.numpy(), ARRAYS[f"{name}/grad{i}"], rtol=1e-3, atol=5e-5)
    nodes = [OTHER_NODES.get(name, facts["node"][0]), *facts["node"][1:]]
    assert [None if o.grad_fn is None else o.grad_fn.name() for o in outputs] == nodes


ERRORS = [
    ("F.conv2d(x[0, 0], w)", RuntimeError, "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [8, 8]"),
    ("F.conv2d(x[:, :2], w)", RuntimeError, "Given groups=1, weight of size [4, 3, 3, 3], expected input[2, 2, 8, 8] to have 3 channels"),
    ("F.conv2d(x, torch.zeros(4, 3, 9, 9))", RuntimeError, "Calculated padded input size per channel: (8 x 8). Kernel size: (9 x 9)."),
    ("F.conv2d(x, w, stride=0)", RuntimeError, "non-positive stride is not supported"),
    ("F.conv2d(x, w, stride=(1, 2, 3))", RuntimeError, "expected stride to be a single integer value or a list of 2 values"),
    ("F.conv2d(x, w, padding='foo')", RuntimeError, "Invalid padding string: 'foo'"),
    ("F.conv2d(x, w, stride=2, padding='same')", RuntimeError, "padding='same' is not supported for strided convolutions"),
    ("F.max_pool2d(x, 9)", RuntimeError, "Given input size: (3x8x8). Calculated output size: (3x0x0). Output size is too small"),
    ("F.max_pool2d(x, 2, padding=2)", RuntimeError, "pad should be at most half of effective kernel size"),
    ("F.max_pool2d(x, (2, 2, 2))", RuntimeError, "max_pool2d: kernel_size must either be a single int, or a tuple of two ints"),
    ("F.max_pool1d(x, 2)", RuntimeError, "max_pool1d: Expected 2D or 3D (batch mode) tensor"),
    ("F.avg_pool2d(x, 2, divisor_override=0)", RuntimeError, "divisor must be not zero"),
    ("F.adaptive_avg_pool2d(x, -1)", RuntimeError, "adaptive_avg_pool2d: elements of output_size must be greater"),
    ("F.batch_norm(x, None, None)", RuntimeError, "running_mean must be defined in evaluation mode"),
    ("F.batch_norm(x[:1, :, :1, :1], None, None, training=True)", ValueError, "Expected more than 1 value per channel when training"),
    ("F.batch_norm(x, torch.zeros(2), torch.ones(2))", RuntimeError, "running_mean should contain 3 elements not 2"),
    ("F.layer_norm(x, (7,))", RuntimeError, "Given normalized_shape=[7], expected input with shape [*, 7]"),
    ("F.layer_norm(x, 8)", TypeError, "layer_norm(): argument 'normalized_shape' (position 2) must be tuple of ints, not int"),
    ("F.group_norm(x, 2)", RuntimeError, "Expected number of channels in input to be divisible by num_groups"),
    ("F.instance_norm(x[:, :, :1, :1])", ValueError, "Expected more than 1 spatial element when training"),
    ("F.nll_loss(l, t[:2])", ValueError, "Expected input batch_size (3) to match target batch_size (2)."),
    ("F.nll_loss(l, t.float())", RuntimeError, "expected target dtype to be Long or Byte, but got Float"),
    ("F.nll_loss(l, t, reduction='foo')", ValueError, "foo is not a valid value for reduction"),
    ("F.cross_entropy(l, t, label_smoothing=2.0)", RuntimeError, "label_smoothing must be between 0.0 and 1.0. Got: 2"),
    ("F.mse_loss(l, torch.ones(2))", RuntimeError, "The size of tensor a (4) must match the size of tensor b (2)"),
    ("F.binary_cross_entropy(l.sigmoid(), l[0])", ValueError, "Using a target size (torch.Size([4]))"),
    ("F.binary_cross_entropy_with_logits(l, t)", ValueError, "Target size (torch.Size([3])) must be the same as input size"),
    ("F.huber_loss(l, l, delta=0)", RuntimeError, "huber_loss does not support non-positive values for delta."),
    ("F.multi_margin_loss(l, t, p=3)", ValueError, "only p == 1 and p == 2 supported"),
    ("F.embedding(t, l, padding_idx=5)", AssertionError, "Padding_idx must be within num_embeddings"),
    ("F.embedding_bag(t, l)", ValueError, "offsets has to be a 1D Tensor but got None"),
    ("F.one_hot(t, 2)", RuntimeError, "Class values must be smaller than num_classes."),
    ("F.one_hot(t - 1)", RuntimeError, "Class values must be non-negative."),
    ("F.dropout(l, 2.0)", ValueError, "dropout probability has to be between 0 and 1, but got 2.0"),
    ("F.dropout1d(x)", RuntimeError, "dropout1d: Expected 2D or 3D input, but received a 4D input."),
    ("F.pad(l, (1,))", RuntimeError, "Padding length must be divisible by 2"),
    ("F.pad(l, (1, 1), mode='foo')", NotImplementedError, "Unrecognised padding mode foo"),
    ("F.pad(l, (4, 1), mode='reflect')", RuntimeError, "Argument #4: Padding size should be less than the corresponding"),
    ("F.pad(x, (9, 1, 1, 1), mode='circular')", RuntimeError, "Padding value causes wrapping around more than once."),
    ("F.interpolate(x)", ValueError, "either size or scale_factor should be defined"),
    ("F.interpolate(x, scale_factor=2, mode='linear')", NotImplementedError, "Got 4D input, but linear mode needs 3D input"),
    ("F.interpolate(x, scale_factor=2, align_corners=True)", ValueError, "align_corners option can only be set with"),
    ("F.grid_sample(x, torch.zeros(1, 3, 3, 2))", RuntimeError, "grid_sampler(): expected grid and input to have same batch size"),
    ("F.pixel_shuffle(x, 2)", RuntimeError, "pixel_shuffle expects its input's 'channel' dimension to be divisible by"),
    ("F.fold(torch.zeros(2, 12, 8), (4, 4), 2)", RuntimeError, "Given output_size=(4, 4), kernel_size=(2, 2)"),
    ("F.linear(l, torch.zeros(2, 3))", RuntimeError, "mat1 and mat2 shapes cannot be multiplied (3x4 and 3x2)"),
    ("F.scaled_dot_product_attention(l[0], l, l)", RuntimeError, "Expected query, key, and value to all be  at least 2"),
    ("F.ctc_loss(torch.zeros(5, 2, 4), torch.ones(2, 2).long(), (6, 5), (2, 2))", RuntimeError, "Expected input_lengths to have value at most 5"),
    ("F.hardtanh(l, 1, -1)", ValueError, "min_val cannot be greater than max_val"),
    ("F.rrelu(l, 0.5, 0.1)", RuntimeError, "Lower bound should be less than or equal to the upper bound"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("expression", "kind", "words"), ERRORS, ids=[e[0] for e in ERRORS])
def test_errors_have_pytorch_class_and_words(expression: str, kind: type[Exception], words: str) -> None:
    names = {
        "torch": torch, "F": F, "x": torch.zeros(2, 3, 8, 8), "w": torch.zeros(4, 3, 3, 3), "l": torch.zeros(3, 4),
        "t": torch.tensor([1, 2, 0]),
    }  # fmt: skip
    with pytest.raises(kind) as raised:
        eval(expression, names)  # noqa: S307
    assert type(raised.value) is kind
    assert str(raised.value).startswith(words)


def test_batch_norm_moves_the_running_statistics() -> None:
    x = torch.tensor(np.random.default_rng(0).normal(2, 3, (8, 3, 5)).astype("float32"))
    mean, var = torch.zeros(3), torch.ones(3)
    F.batch_norm(x, mean, var, training=True, momentum=0.25)
    values = x.numpy()
    np.testing.assert_allclose(mean.numpy(), 0.25 * values.mean((0, 2)), rtol=1e-5)
    np.testing.assert_allclose(var.numpy(), 0.75 + 0.25 * values.var((0, 2), ddof=1), rtol=1e-5)
    assert not mean.requires_grad


def test_batch_norm_of_far_off_centre_values_does_not_cancel() -> None:
    values = (np.random.default_rng(0).normal(0, 1, (64, 2)) + 3e4).astype("float32")
    out = F.batch_norm(torch.tensor(values), None, None, training=True).numpy()
    exact = values.astype("float64")
    exact = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-5)
    np.testing.assert_allclose(out, exact, atol=5e-3)


def test_instance_norm_moves_the_running_statistics_by_their_mean_over_the_batch() -> None:
    x = torch.tensor(np.random.default_rng(0).normal(2, 3, (4, 3, 5)).astype("float32"))
    mean, var = torch.zeros(3), torch.ones(3)
    F.instance_norm(x, mean, var, momentum=0.5)
    values = x.numpy()
    np.testing.assert_allclose(mean.numpy(), 0.5 * values.mean((0, 2)), rtol=1e-5)
    np.testing.assert_allclose(var.numpy(), 0.5 + 0.5 * values.var(2, ddof=1).mean(0), rtol=1e-5)


def test_embedding_max_norm_shrinks_the_used_rows_in_place() -> None:
    weight = torch.tensor([[3.0, 4.0], [3.0, 4.0], [0.3, 0.4]])
    F.embedding(torch.tensor([0, 2]), weight, max_norm=1.0)
    np.testing.assert_allclose(weight.numpy(), [[0.6, 0.8], [3.0, 4.0], [0.3, 0.4]], rtol=1e-5)


def test_dropout_outside_training_is_the_input_itself() -> None:
    x = torch.ones(3)
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 0.0) is x


def test_relu_inplace_returns_its_input() -> None:
    x = torch.tensor([-1.0, 2.0])
    assert F.relu(x, inplace=True) is x
    assert x.tolist() == [0.0, 2.0]


def test_a_nan_in_a_pooling_window_wins() -> None:
    x = torch.tensor([[[1.0, float("nan"), 3.0, 2.0]]])
    values, indices = F.max_pool1d(x, 2, return_indices=True)
    assert np.isnan(values.numpy()[0, 0, 0])
    assert indices.tolist() == [[[1, 2]]]


def test_a_query_without_keys_gives_zeros_and_no_nan_gradient() -> None:
    q = torch.ones(1, 1, 2, 3, requires_grad=True)
    mask = torch.tensor([[True, True], [False, False]])
    out = F.scaled_dot_product_attention(q, torch.ones(1, 1, 2, 3), torch.ones(1, 1, 2, 3), mask)
    assert out[0, 0, 1].tolist() == [0.0, 0.0, 0.0]
    out.sum().backward()
    assert np.isfinite(q.grad.numpy()).all()


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: F.conv2d(x, w, padding=1),
        lambda x, w: F.max_pool2d(x * w.sum(), 2),
        lambda x, w: F.layer_norm(x * w.mean(), (4,)),
        lambda x, w: F.batch_norm(x * w.sum(), None, None, training=True),
        lambda x, w: F.cross_entropy(x * w.sum(), torch.zeros(2, 4, 4).long()),
        lambda x, w: F.scaled_dot_product_attention(x, x * w.sum(), x),
    ],
    ids=["conv2d", "max_pool2d", "layer_norm", "batch_norm", "cross_entropy", "attention"],
)
def test_second_derivatives_agree_with_differences_of_first_ones(function) -> None:
    rng = np.random.default_rng(0)
    x0, dx = rng.normal(size=(2, 2, 2, 4, 4))
    w0 = rng.normal(size=(3, 2, 3, 3))

    def slope(values: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.tensor(values, requires_grad=True)
        w = torch.tensor(w0, requires_grad=True)
        loss = function(x, w).pow(2).sum()
        return x, torch.autograd.grad(loss, x, create_graph=True)[0]

    direction = torch.tensor(dx)
    step = 1e-6
    ahead, behind = (slope(x0 + sign * step * dx)[1].detach().numpy() for sign in (1, -1))
    x, first = slope(x0)
    (first * direction).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), (ahead - behind) / (2 * step), rtol=1e-4, atol=1e-4)


def test_signatures_follow_pytorch() -> None:
    assert list(inspect.signature(F.conv2d).parameters) == [
        "input", "weight", "bias", "stride", "padding", "dilation", "groups",
    ]  # fmt: skip
    assert list(inspect.signature(F.cross_entropy).parameters) == [
        "input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction", "label_smoothing",
    ]  # fmt: skip
    assert all(callable(getattr(F, name)) for name in F.__all__)
