"""Record torchvision's operators: writes ``tests/data/vision_ops.npz``.

    python tests/recorders/record_vision_ops.py      (with PyTorch 2.13, Pillow and torchvision 0.29.1 --no-deps)

``CASES`` maps a name to a function of the ``torch`` and ``torchvision.ops`` modules that returns tensors; ``GRADIENTS``
to one that returns a function and its inputs, of which the value and the gradients of a weighted sum are recorded.
"""

import pathlib
import sys
from collections import OrderedDict

import numpy as np

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"

CASES = {}
GRADIENTS = {}


def case(fn):
    CASES[fn.__name__] = fn
    return fn


def array(seed, *shape, low=-2.0, high=2.0):
    return np.random.RandomState(seed).uniform(low, high, shape).astype("float32")


def some_boxes(seed, count, side=50.0, most=20.0):
    random = np.random.RandomState(seed)
    low = random.rand(count, 2) * side
    return np.concatenate([low, low + random.rand(count, 2) * most + 1], 1).astype("float32")


def regions(images=2, count=7):
    random = np.random.RandomState(1)
    low = random.rand(count, 2) * 8 - 1
    corners = np.concatenate([low, low + random.rand(count, 2) * 9], 1)
    return np.concatenate([random.randint(0, images, (count, 1)), corners], 1).astype("float32")


def gradients(name, build, *inputs):
    """``build(torch, ops)`` gives a function of tensors made from the arrays ``inputs``."""
    GRADIENTS[name] = (build, inputs)


IMAGE = array(0, 2, 12, 7, 6)
for _aligned in (False, True):
    for _ratio in (-1, 0, 2):
        gradients(
            f"roi_align_{_aligned}_{_ratio}",
            lambda torch, ops, a=_aligned, r=_ratio: (
                lambda x: ops.roi_align(x, torch.tensor(regions()), (3, 2), 0.75, r, a)
            ),
            IMAGE[:, :3],
        )
gradients(
    "roi_align_of_lists",
    lambda torch, ops: (
        lambda x: ops.RoIAlign(2, 1.3, 1)(x, [torch.tensor(regions()[:3, 1:]), torch.tensor(regions()[3:, 1:])])
    ),
    IMAGE[:, :3],
)
gradients("roi_pool", lambda torch, ops: lambda x: ops.roi_pool(x, torch.tensor(regions()), (3, 2), 0.75), IMAGE[:, :3])
for _ratio in (-1, 2):
    gradients(
        f"ps_roi_align_{_ratio}",
        lambda torch, ops, r=_ratio: lambda x: ops.ps_roi_align(x, torch.tensor(regions()), (3, 2), 0.75, r),
        IMAGE,
    )
gradients("ps_roi_pool", lambda torch, ops: lambda x: ops.ps_roi_pool(x, torch.tensor(regions()), (3, 2), 0.75), IMAGE)


def _pyramid(torch, ops):
    boxes = [np.array([[0, 0, 30, 30], [5, 5, 500, 480], [10, 20, 200, 400]], "float32"), np.array([[0, 0, 100, 300]])]
    boxes = [torch.tensor(b.astype("float32")) for b in boxes]
    pool = ops.MultiScaleRoIAlign(["0", "1"], 3, 2)
    return lambda x, y: pool({"0": x, "1": y, "2": y}, boxes, [(512, 500), (400, 512)])


gradients("multi_scale_roi_align", _pyramid, array(2, 2, 3, 16, 16), array(3, 2, 3, 8, 8))
gradients(
    "deform_conv2d",
    lambda torch, ops: lambda x, o, w, b, m: ops.deform_conv2d(x, o, w, b, (2, 1), (1, 2), (1, 2), m),
    array(4, 2, 4, 7, 6), array(5, 2, 24, 4, 8, low=-3, high=3), array(6, 6, 2, 3, 2), array(7, 6),
    array(8, 2, 12, 4, 8, low=0),
)  # fmt: skip
gradients(
    "deform_conv2d_plain",
    lambda torch, ops: lambda x, o, w: ops.deform_conv2d(x, o, w),
    array(9, 2, 4, 7, 6), array(10, 2, 18, 5, 4), array(11, 6, 4, 3, 3),
)  # fmt: skip
for _name in ("box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou"):
    gradients(
        _name,
        lambda torch, ops, n=_name: lambda x: getattr(ops, n)(x, torch.tensor(some_boxes(1, 5) + 3)),
        some_boxes(0, 6),
    )
for _name in ("generalized_box_iou_loss", "distance_box_iou_loss", "complete_box_iou_loss"):
    gradients(
        _name,
        lambda torch, ops, n=_name: lambda x: getattr(ops, n)(x, torch.tensor(some_boxes(0, 6) + 2)),
        some_boxes(0, 6),
    )
gradients(
    "sigmoid_focal_loss",
    lambda torch, ops: (
        lambda x: ops.sigmoid_focal_loss(
            x, torch.tensor(np.random.RandomState(2).randint(0, 2, (4, 5)).astype("float32"))
        )
    ),
    array(12, 4, 5),
)


@case
def suppression(torch, ops):
    boxes, scores = torch.tensor(some_boxes(3, 300)), torch.tensor(np.round(array(4, 300, low=0), 2))
    classes = torch.tensor(np.random.RandomState(5).randint(0, 5, 300))
    found = [ops.nms(boxes, scores, t) for t in (0.1, 0.5)] + [ops.batched_nms(boxes, scores, classes, 0.3)]
    many = torch.tensor(np.tile(some_boxes(3, 300), (4, 1)) + array(6, 1200, 4, low=0))
    found.append(ops.batched_nms(many, torch.tensor(array(7, 1200, low=0)), classes.repeat(4), 0.4))
    return [*found, ops.nms(boxes[:0], scores[:0], 0.5)]


@case
def forms(torch, ops):
    found = []
    upright, turned = some_boxes(0, 4), np.concatenate([some_boxes(0, 4), array(1, 4, 1, low=0, high=180)], 1)
    for whole in (False, True):
        b, r = (torch.tensor(x.astype("int64") if whole else x) for x in (upright, turned))
        for start in ("xyxy", "xywh", "cxcywh"):
            found += [ops.box_convert(b, start, end) for end in ("xyxy", "xywh", "cxcywh")]
            found += [ops.box_area(b, start), ops.box_iou(b, b + 1, start)]
        for start in ("xywhr", "cxcywhr"):
            corners = ops.box_convert(r, start, "xyxyxyxy")
            found += [corners, ops.box_convert(corners, "xyxyxyxy", start)]
    return found


@case
def selection(torch, ops):
    boxes = torch.tensor(some_boxes(0, 9))
    masks = torch.zeros(3, 6, 7)
    masks[0, 2:4, 1:5] = 1
    masks[2, 5, 6] = 1
    return [
        ops.remove_small_boxes(boxes, 10.0), ops.clip_boxes_to_image(boxes, (30, 40)), ops.masks_to_boxes(masks),
        ops.masks_to_boxes(masks[:0]),
    ]  # fmt: skip


@case
def reductions(torch, ops):
    a, b = torch.tensor(some_boxes(0, 6)), torch.tensor(some_boxes(0, 6) + 2)
    losses = (ops.generalized_box_iou_loss, ops.distance_box_iou_loss, ops.complete_box_iou_loss)
    found = [f(a, b, reduction=r) for f in losses for r in ("mean", "sum")]
    targets = torch.tensor(np.random.RandomState(2).randint(0, 2, (4, 5)).astype("float32"))
    return [
        *found,
        losses[0](a[:0], b[:0], "mean"),
        ops.sigmoid_focal_loss(torch.tensor(array(0, 4, 5)), targets, -1, 1.5, "mean"),
    ]


@case
def noise(torch, ops):
    torch.manual_seed(0)
    return [
        ops.drop_block2d(torch.tensor(array(0, 2, 3, 9, 8)), 0.3, 3),
        ops.drop_block3d(torch.tensor(array(1, 2, 2, 5, 6, 8)), 0.3, 3),
        ops.stochastic_depth(torch.tensor(array(2, 6, 3)), 0.4, "row"),
        ops.stochastic_depth(torch.tensor(array(2, 6, 3)), 0.4, "batch"),
        torch.rand(2),
    ]


@case
def layers(torch, ops):
    torch.manual_seed(0)
    extra = ops.feature_pyramid_network.LastLevelP6P7(5, 5)
    pyramid = ops.FeaturePyramidNetwork([4, 6], 5, extra)
    maps = OrderedDict(a=torch.tensor(array(0, 1, 4, 12, 12)), b=torch.tensor(array(1, 1, 6, 6, 6)))
    frozen = ops.FrozenBatchNorm2d(4)
    frozen.load_state_dict({k: torch.tensor(array(i, 4, low=0.5)) for i, k in enumerate(frozen.state_dict())})
    conv = ops.DeformConv2d(4, 6, 3, padding=1)
    excite = ops.SqueezeExcitation(4, 2)
    return [*pyramid(maps).values(), frozen(maps["a"]), conv.weight, conv.bias, excite(maps["a"])]


def texts(torch, ops):
    """How the layers print."""
    return [
        repr(layer)
        for layer in (
            ops.DeformConv2d(4, 6, 3, padding=1, bias=False), ops.DropBlock2d(0.1, 3), ops.DropBlock3d(0.1, 3),
            ops.StochasticDepth(0.1, "row"), ops.FrozenBatchNorm2d(3), ops.SqueezeExcitation(4, 2),
            ops.MLP(3, [4, 5], torch.nn.LayerNorm, inplace=True), ops.Conv3dNormActivation(2, 3, (3, 1, 3), dilation=2),
            ops.RoIAlign(2, 0.5, 1), ops.RoIPool(2, 0.5), ops.PSRoIAlign(2, 0.5, 1), ops.PSRoIPool(2, 0.5),
            ops.MultiScaleRoIAlign(["a"], 7, 2), ops.Permute([0, 2, 1]), ops.Conv2dNormActivation(2, 3, norm_layer=None),
        )
    ]  # fmt: skip


def observe(torch, ops, name):
    """The arrays of a case, by number."""
    if name in CASES:
        return [t.detach().numpy() for t in CASES[name](torch, ops)]
    build, inputs = GRADIENTS[name]
    tensors = [torch.tensor(x).requires_grad_() for x in inputs]
    value = build(torch, ops)(*tensors)
    weight = torch.tensor(array(20, *value.shape))
    (value * weight).sum().backward()
    return [value.detach().numpy(), *(t.grad.numpy() for t in tensors)]


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    import torch
    import torchvision_operators  # noqa: F401

    # isort: split
    from torchvision import ops

    found = {f"{n}.{i}": a for n in (*CASES, *GRADIENTS) for i, a in enumerate(observe(torch, ops, n))}
    found["texts"] = np.array(texts(torch, ops))
    np.savez_compressed(DATA / "vision_ops.npz", **found)


if __name__ == "__main__":
    main()
