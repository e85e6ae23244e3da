"""Record PyTorch's layers: writes ``tests/data/nn_layers.json`` and ``tests/data/nn_layers.npz``.

    python tests/recorders/record_nn.py      (in an environment with PyTorch 2.13)

``LAYERS`` maps a name to two functions of the ``torch`` module: one builds the layer, one its inputs. Recorded for
each: how it prints, its state's names, shapes and initial bytes for two seeds with the position of the random stream
after it, the outputs in training and in evaluation, and the gradients of a weighted sum of the former.
"""

import hashlib
import json
import pathlib
import warnings

import numpy as np

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
SEEDS = (0, 7)

LAYERS = {}


def values(torch, *shape, seed=0, dtype="float32", scale=1.0):
    """Distinct numbers (so that maxima have no ties), the same in every framework."""
    count = int(np.prod(shape))
    grid = (np.arange(count) - (count - 1) / 2) * (3.0 / max(count, 1))
    return torch.from_numpy((np.random.RandomState(seed).permutation(grid) * scale).reshape(shape).astype(dtype))


def classes(torch, high, *shape, seed=0):
    return torch.from_numpy(np.random.RandomState(seed).randint(0, high, shape).astype("int64"))


def layer(name, build, inputs):
    assert name not in LAYERS, name
    LAYERS[name] = (build, inputs)


def x(*shape, **options):
    """Inputs: one tensor of this shape."""
    return lambda torch: [values(torch, *shape, **options)]


def xs(*shapes):
    """Inputs: one tensor of each shape."""
    return lambda torch: [values(torch, *shape, seed=index) for index, shape in enumerate(shapes)]


def module(name, *args, **kwargs):
    return lambda torch: getattr(torch.nn, name)(*args, **kwargs)


def simple(cls, args, shape, tag="", **kwargs):
    layer(cls + tag, module(cls, *args, **kwargs), x(*shape))


simple("Identity", (), (2, 3))
simple("Linear", (4, 3), (2, 5, 4))
simple("Linear", (4, 3), (4,), "_unbatched_no_bias", bias=False)
layer("Bilinear", module("Bilinear", 3, 4, 2), xs((5, 3), (5, 4)))
for n in (1, 2, 3):
    size = (5, 4, 4)[:n]
    simple(f"Conv{n}d", (4, 6, 3), (2, 4, *size))
    simple(f"Conv{n}d", (4, 6, 3, 2, 1), (2, 4, *size), "_strided", dilation=2, groups=2, bias=False)
    if n < 3:
        simple(f"Conv{n}d", (2, 3, 3), (2, *size), "_same_circular_unbatched", padding="same", padding_mode="circular")
        simple(f"Conv{n}d", (2, 3, 3), (2, 2, *size), "_reflect", padding=2, padding_mode="reflect")
        simple(f"Conv{n}d", (2, 3, 3), (2, 2, *size), "_replicate", padding=1, padding_mode="replicate")
    simple(f"ConvTranspose{n}d", (4, 6, 3), (2, 4, *size))
    simple(f"ConvTranspose{n}d", (4, 6, 3, 2, 1, 1), (2, 4, *size), "_strided", groups=2, dilation=2, bias=False)
    simple(f"MaxPool{n}d", (2,), (2, 3, *size))
    simple(f"MaxPool{n}d", (3, 2, 1), (2, 3, *size), "_indices", ceil_mode=True, return_indices=True)
    simple(f"AvgPool{n}d", (2,), (2, 3, *size))
    simple(f"AvgPool{n}d", (3, 2, 1, True, False), (2, 3, *size), "_ceil")
    simple(f"AdaptiveAvgPool{n}d", (3,), (2, 3, *size))
    simple(f"AdaptiveMaxPool{n}d", (3,), (2, 3, *size))
    simple(f"BatchNorm{n}d", (3,), (2, 3, *size))
    simple(f"BatchNorm{n}d", (3,), (2, 3, *size), "_plain", momentum=None, affine=False)
    simple(f"BatchNorm{n}d", (3,), (2, 3, *size), "_untracked", track_running_stats=False, bias=False)
    simple(f"InstanceNorm{n}d", (3,), (2, 3, *size))
    simple(f"InstanceNorm{n}d", (3,), (3, *size), "_unbatched", affine=True, track_running_stats=True)
    for kind in ("Reflection", "Replication", "Zero", "Circular"):
        simple(f"{kind}Pad{n}d", (2,), (2, 3, *size))
    simple(f"ConstantPad{n}d", (1, 2.5), (2, 3, *size))
    simple(f"Dropout{n}d", (0.3,), (4, 3, *size))
simple("LPPool2d", (2, 2), (2, 3, 6, 5))
simple("LPPool1d", (2, 3, 2, True), (2, 3, 7))
simple("AvgPool2d", (2,), (2, 3, 6, 5), "_divisor", divisor_override=3)
simple("AdaptiveAvgPool2d", ((None, 3),), (2, 3, 6, 5), "_none")
layer(
    "MaxUnpool2d",
    lambda torch: torch.nn.MaxUnpool2d(2),
    lambda torch: [
        values(torch, 1, 2, 2, 2),
        torch.tensor([[[[0, 3], [9, 11]], [[5, 6], [8, 15]]]]),
    ],
)
simple("LayerNorm", (4,), (3, 4))
simple("LayerNorm", ((2, 3), 1e-3), (4, 2, 3), "_two", bias=False)
simple("GroupNorm", (2, 4), (3, 4, 5))
simple("RMSNorm", (4,), (3, 4))
simple("RMSNorm", ((2, 3), 1e-3, False), (4, 2, 3), "_plain")
simple("LocalResponseNorm", (3,), (2, 5, 3, 3))
simple("CrossMapLRN2d", (4, 0.1), (2, 5, 3, 3))
simple("SyncBatchNorm", (3,), (4, 3))
simple("Dropout", (0.3,), (3, 17))
simple("AlphaDropout", (0.3,), (3, 17))
simple("FeatureAlphaDropout", (0.3,), (4, 3, 5))
layer("Embedding", module("Embedding", 7, 3), lambda torch: [classes(torch, 7, 2, 4)])
layer("Embedding_padding", module("Embedding", 5, 3, padding_idx=-4), lambda torch: [classes(torch, 5, 6)])
layer("EmbeddingBag", module("EmbeddingBag", 7, 3), lambda torch: [classes(torch, 7, 4, 2)])
layer(
    "EmbeddingBag_offsets",
    module("EmbeddingBag", 7, 3, mode="sum", padding_idx=2),
    lambda torch: [classes(torch, 7, 9), torch.tensor([0, 2, 7])],
)
for name in """ReLU Hardtanh ReLU6 Sigmoid Hardsigmoid Tanh SiLU Mish Hardswish ELU CELU SELU GELU Hardshrink LeakyReLU
    LogSigmoid Softplus Softshrink PReLU Softsign Tanhshrink""".split():
    layer(name, module(name), x(3, 5, scale=3.0))
layer("RReLU", module("RReLU"), x(3, 5))
layer("GLU", module("GLU"), x(3, 6))
layer("GELU_tanh", module("GELU", "tanh"), x(3, 5))
layer("Threshold", module("Threshold", 0.1, 20.0), x(3, 5))
layer("PReLU_channels", module("PReLU", 3, 0.1), x(2, 3, 4))
for name in ("Softmin", "Softmax", "LogSoftmax"):
    layer(name, module(name, 1), x(3, 5))
layer("Softmax2d", module("Softmax2d"), x(2, 3, 2, 2))

for name in ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss"):
    layer(name, module(name), xs((4, 3), (4, 3)))
layer("MSELoss_sum", module("MSELoss", reduction="sum"), xs((4, 3), (4, 3)))
layer("NLLLoss", module("NLLLoss"), lambda torch: [values(torch, 4, 3), classes(torch, 3, 4)])
layer(
    "CrossEntropyLoss",
    lambda torch: torch.nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 0.5]), ignore_index=1, label_smoothing=0.1),
    lambda torch: [values(torch, 5, 3, 2), classes(torch, 3, 5, 2)],
)
layer("PoissonNLLLoss", module("PoissonNLLLoss", full=True), xs((4, 3), (4, 3)))
layer(
    "GaussianNLLLoss",
    module("GaussianNLLLoss"),
    lambda torch: [values(torch, 4, 3), values(torch, 4, 3, seed=1), values(torch, 4, 3, seed=2) ** 2 + 0.1],
)
layer(
    "KLDivLoss",
    module("KLDivLoss", reduction="batchmean"),
    lambda torch: [values(torch, 4, 3), values(torch, 4, 3, seed=1) ** 2 + 0.1],
)
layer(
    "BCELoss",
    module("BCELoss"),
    lambda torch: [values(torch, 4, 3, scale=0.3) + 0.5, values(torch, 4, 3, seed=1, scale=0.3) + 0.5],
)
layer(
    "BCEWithLogitsLoss",
    lambda torch: torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 3.0])),
    lambda torch: [values(torch, 4, 3), classes(torch, 2, 4, 3).float()],
)
for name in ("HingeEmbeddingLoss", "SoftMarginLoss"):
    layer(name, module(name), lambda torch: [values(torch, 4, 3), classes(torch, 2, 4, 3).float() * 2 - 1])
layer(
    "MultiLabelMarginLoss",
    module("MultiLabelMarginLoss"),
    lambda torch: [values(torch, 2, 4), torch.tensor([[3, 0, -1, 1], [1, -1, 0, 0]])],
)
layer(
    "MultiLabelSoftMarginLoss",
    module("MultiLabelSoftMarginLoss"),
    lambda torch: [values(torch, 4, 3), classes(torch, 2, 4, 3).float()],
)
layer("MultiMarginLoss", module("MultiMarginLoss", p=2), lambda torch: [values(torch, 4, 3), classes(torch, 3, 4)])
layer(
    "CosineEmbeddingLoss",
    module("CosineEmbeddingLoss", 0.1),
    lambda torch: [values(torch, 4, 3), values(torch, 4, 3, seed=1), classes(torch, 2, 4).float() * 2 - 1],
)
layer(
    "MarginRankingLoss",
    module("MarginRankingLoss", 0.1),
    lambda torch: [values(torch, 4), values(torch, 4, seed=1), classes(torch, 2, 4).float() * 2 - 1],
)
layer("TripletMarginLoss", module("TripletMarginLoss"), xs((4, 3), (4, 3), (4, 3)))
layer("TripletMarginWithDistanceLoss", module("TripletMarginWithDistanceLoss", swap=True), xs((4, 3), (4, 3), (4, 3)))
layer(
    "CTCLoss",
    module("CTCLoss"),
    lambda torch: [
        values(torch, 6, 2, 4).log_softmax(-1),
        torch.tensor([[1, 2, 3], [2, 2, 0]]),
        torch.tensor([6, 5]),
        torch.tensor([3, 2]),
    ],
)
layer(
    "AdaptiveLogSoftmaxWithLoss",
    module("AdaptiveLogSoftmaxWithLoss", 16, 20, [5, 10], div_value=2.0, head_bias=True),
    lambda torch: [values(torch, 6, 16), torch.tensor([0, 4, 5, 9, 10, 19])],
)

simple("Flatten", (), (2, 3, 4))
simple("Unflatten", (1, (2, 3)), (2, 6, 2))
simple("Upsample", (), (1, 2, 3, 4), scale_factor=2)
simple("Upsample", (), (1, 2, 3, 4), "_bilinear", size=(5, 6), mode="bilinear")
simple("UpsamplingNearest2d", (), (1, 2, 3, 4), scale_factor=2)
simple("UpsamplingBilinear2d", (), (1, 2, 3, 4), scale_factor=2)
simple("PixelShuffle", (2,), (1, 8, 2, 3))
simple("PixelUnshuffle", (2,), (1, 2, 4, 6))
simple("ChannelShuffle", (2,), (1, 6, 2))
simple("Fold", ((4, 5), (2, 2)), (1, 8, 12))
simple("Unfold", ((2, 2),), (1, 2, 4, 5), stride=2)
layer("PairwiseDistance", module("PairwiseDistance"), xs((4, 3), (4, 3)))
layer("CosineSimilarity", module("CosineSimilarity"), xs((4, 3), (4, 3)))


def packed(torch):
    return [torch.nn.utils.rnn.pack_padded_sequence(values(torch, 4, 3, 3), [2, 4, 2], enforce_sorted=False)]


for name in ("RNN", "LSTM", "GRU"):
    simple(name, (3, 4), (5, 2, 3))
    simple(name, (3, 4), (5, 3), "_unbatched_no_bias", bias=False)
    layer(name + "Cell", module(name + "Cell", 3, 4), x(2, 3))
    layer(name + "_packed", module(name, 3, 4, bidirectional=name == "LSTM"), packed)
simple("LSTM", (3, 4, 2), (2, 5, 3), "_deep", bidirectional=True, batch_first=True, dropout=0.3)
simple("GRU", (3, 4, 2), (2, 5, 3), "_deep", batch_first=True, dropout=0.3)
simple("RNN", (3, 4), (5, 2, 3), "_relu", nonlinearity="relu")
simple("LSTM", (3, 4), (5, 2, 3), "_projected", proj_size=2, bidirectional=True)
layer("LSTM_state", module("LSTM", 3, 4), lambda torch: [values(torch, 5, 2, 3), (values(torch, 1, 2, 4),) * 2])
layer("MultiheadAttention", module("MultiheadAttention", 4, 2), xs((3, 2, 4), (5, 2, 4), (5, 2, 4)))
layer(
    "MultiheadAttention_separate",
    module("MultiheadAttention", 4, 2, kdim=3, vdim=5, add_bias_kv=True, add_zero_attn=True, batch_first=True),
    xs((2, 3, 4), (2, 5, 3), (2, 5, 5)),
)
layer(
    "MultiheadAttention_masked",
    module("MultiheadAttention", 4, 2, bias=False, dropout=0.2),
    lambda torch: [
        *[values(torch, 3, 2, 4, seed=seed) for seed in range(3)],
        torch.tensor([[False, False, True], [False, False, False]]),
        True,
        torch.ones(3, 3).triu(1).bool(),
    ],
)
simple("TransformerEncoderLayer", (4, 2, 8), (3, 2, 4))
simple("TransformerEncoderLayer", (4, 2, 8), (3, 4), "_first", norm_first=True, activation="gelu", bias=False)
layer("TransformerDecoderLayer", module("TransformerDecoderLayer", 4, 2, 8), xs((3, 2, 4), (5, 2, 4)))
layer("Transformer", module("Transformer", 4, 2, 1, 1, 8, batch_first=True), xs((2, 5, 4), (2, 3, 4)))
layer(
    "TransformerEncoder_padded",
    lambda torch: torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2),
    lambda torch: [values(torch, 2, 4, 4), None, torch.tensor([[False, False, True, True], [False] * 4])],
)
layer(
    "Sequential",
    lambda torch: torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2)),
    x(5, 4),
)


def tensors(torch, value):
    """The tensors in a result, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [tensor for item in value for tensor in tensors(torch, item)]
    return []


def state_digest(module):
    digest = hashlib.sha256()
    for value in module.state_dict().values():
        digest.update(value.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def observe_initial(torch, name):
    """How the layer prints, its state's names and shapes, and for two seeds the state's bytes and the stream after."""
    build, _ = LAYERS[name]
    initial = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        built = build(torch)
        initial.append([state_digest(built), *torch.randint(1 << 20, (2,)).tolist()])
    return {
        "repr": repr(built),
        "state": {key: list(value.shape) for key, value in built.state_dict().items()},
        "parameters": [key for key, _ in built.named_parameters()],
        "initial": initial,
    }


def observe_values(torch, name):
    """Outputs in training, gradients, running statistics after it, outputs in evaluation: arrays by name."""
    build, inputs = LAYERS[name]
    torch.manual_seed(SEEDS[0])
    built = build(torch)
    args = inputs(torch)
    leaves = []
    differentiated = args
    if "Loss" in name and "Triplet" not in name:
        differentiated = args[:-1]  # not the target
    elif name == "CrossMapLRN2d":
        differentiated = []  # PyTorch's gradient is not that of its values
    for arg in differentiated:
        if isinstance(arg, torch.Tensor) and arg.is_floating_point():
            leaves.append(arg.requires_grad_())
    found = {}
    torch.manual_seed(1)
    outputs = tensors(torch, built(*args))
    total = 0
    for index, output in enumerate(outputs):
        found[f"train{index}"] = output.detach()
        if output.requires_grad:
            weights = np.cos(np.arange(output.numel())).astype("float32").reshape(tuple(output.shape))
            total = total + (output * torch.from_numpy(weights)).sum()
    if isinstance(total, torch.Tensor):
        total.backward()
        for index, leaf in enumerate(leaves):
            if leaf.grad is not None:
                found[f"grad{index}"] = leaf.grad
        for key, parameter in built.named_parameters():
            if parameter.grad is not None:
                found[f"grad.{key}"] = parameter.grad
    for key, buffer in built.named_buffers():
        found[f"buffer.{key}"] = buffer.clone()
    built.eval()
    with torch.no_grad():
        for index, output in enumerate(tensors(torch, built(*args))):
            found[f"eval{index}"] = output.detach()
    # Read at the end only, so that a layer is one program here.
    return {key: value.numpy() for key, value in found.items()}


def main():
    import torch

    warnings.simplefilter("ignore")
    record, arrays, start = {}, [], 0
    for name in LAYERS:
        record[name] = observe_initial(torch, name)
        index = record[name]["values"] = {}
        for key, value in observe_values(torch, name).items():
            index[key] = [start, list(value.shape)]
            arrays.append(value.astype("float32").ravel())
            start += value.size
    (DATA / "nn_layers.json").write_text(json.dumps(record, separators=(",", ":")) + "\n")
    np.savez_compressed(DATA / "nn_layers.npz", np.concatenate(arrays))


if __name__ == "__main__":
    main()
