"""Calls of torchvision that the recorder makes with the real one and the tests make with ours.

``CASES`` maps a name to ``(kind, function)``; the function takes an `Env`. Kinds say how results compare: ``exact``
(floats to a few units in the last place), ``near`` (resampled: bytes within 1, floats within 1/255), ``pixels`` (nearest
neighbours: bytes equal but for at most 1 in 100, where a place lies between two pixels).
"""

from __future__ import annotations

import importlib
import random
import warnings

import numpy as np
from PIL import Image

CASES = {}
SIZE = (18, 23)


class Env:
    """``torch``, ``tv`` (torchvision) and its submodules."""

    def __init__(self, torch, torchvision):
        sub = torchvision.__name__
        self.torch, self.tv = torch, torchvision
        self.T, self.F = torchvision.transforms, torchvision.transforms.functional
        self.v2 = importlib.import_module(f"{sub}.transforms.v2")
        self.F2 = importlib.import_module(f"{sub}.transforms.v2.functional")
        self.tvt = importlib.import_module(f"{sub}.tv_tensors")
        self.utils = torchvision.utils
        self.modes = torchvision.transforms.InterpolationMode


def picture(h, w, c=3, seed=0):
    """Bytes ``(h, w, c)``: a smooth ground with noise and a bright and a dark block."""
    y, x = np.mgrid[0:h, 0:w]
    r = np.random.RandomState(seed)
    ground = np.stack([127 + 90 * np.sin(x / (3.0 + i) + i) * np.cos(y / (4.0 + i)) for i in range(c)], -1)
    made = ground + r.randint(-30, 31, (h, w, c))
    made[2:5, 3:8] = 255
    made[h - 6 : h - 2, w - 7 : w - 2] = 0
    return np.clip(made, 0, 255).astype(np.uint8)


def inputs(env, which, size=SIZE):
    """An input by name: ``u8 gray f32 f64 i16 batch fbatch`` are tensors, ``rgb l rgba`` Pillow images."""
    h, w = size
    torch = env.torch

    def tensor(array):
        return torch.from_numpy(np.ascontiguousarray(array))

    colour = picture(h, w).transpose(2, 0, 1)
    if which == "u8":
        return tensor(colour)
    if which == "gray":
        return tensor(colour[:1])
    if which in ("f32", "f64"):
        return tensor((colour / 255.0).astype("float32" if which == "f32" else "float64"))
    if which == "i16":
        return tensor(colour.astype(np.int16) * 100)
    if which == "batch":
        return tensor(np.stack([picture(h, w, seed=s).transpose(2, 0, 1) for s in (0, 1)]))
    if which == "fbatch":
        return inputs(env, "batch", size).to(torch.float32) / 255
    if which == "rgb":
        return Image.fromarray(picture(h, w))
    if which == "l":
        return Image.fromarray(picture(h, w)[:, :, 0])
    if which == "rgba":
        return Image.fromarray(picture(h, w, 4), "RGBA")
    raise KeyError(which)


TENSORS = ("u8", "f32", "batch")
ALL = ("u8", "gray", "f32", "batch", "rgb", "l")


def add(name, kind, fn):
    assert name not in CASES, name
    CASES[name] = (kind, fn)


def operate(kind, name, which, *arguments, family="both", size=SIZE, **keywords):
    """Cases of an operation on inputs, in v1 and v2 (``family``: ``F``, ``F2``, or ``both``)."""
    for f in ("F", "F2") if family == "both" else (family,):
        for w in which:

            def fn(env, f=f, w=w):
                values = [a(env) if callable(a) else a for a in arguments]
                named = {k: v(env) if callable(v) else v for k, v in keywords.items()}
                return getattr(getattr(env, f), name)(inputs(env, w, size), *values, **named)

            shown = [getattr(a, "__doc__", None) if callable(a) else a for a in (*arguments, *keywords.values())]
            text = ",".join(str(s) for s in shown)
            tag = "" if size == SIZE else f"@{size[0]}x{size[1]}"
            add(f"{f}.{name}({w}{tag};{text})", kind, fn)


def mode(name):
    def get(env):
        return env.modes[name]

    get.__doc__ = name
    return get


# ------------------------------------------------------------------------------------------------------------ operations

for _size in ([9, 12], [27, 40], [18, 10], [5]):
    for _mode in ("NEAREST", "NEAREST_EXACT"):
        operate("exact", "resize", ("u8", "f32"), _size, interpolation=mode(_mode))
    for _mode in ("BILINEAR", "BICUBIC"):
        for _antialias in (True, False):
            operate("near", "resize", ("u8", "f32"), _size, interpolation=mode(_mode), antialias=_antialias)
    operate("near", "resize", ("u8", "f32"), _size, interpolation=mode("LANCZOS"), family="F2")
    for _mode in ("NEAREST", "BILINEAR", "BICUBIC", "BOX", "HAMMING", "LANCZOS"):
        operate("exact", "resize", ("rgb",), _size, interpolation=mode(_mode), family="F")
operate("near", "resize", ("gray", "f64", "i16", "batch", "fbatch"), [11, 9])
operate("near", "resize", ("rgb", "u8"), 10, max_size=12)
operate("near", "resize", ("u8",), None, max_size=12, family="F2")
operate("near", "resized_crop", ("u8", "rgb"), 2, 3, 11, 14, [8, 8])
for _args in ((2, 3, 8, 9), (-3, -2, 10, 12), (10, 12, 14, 20), (0, 0, 18, 23), (20, 30, 4, 5)):
    operate("exact", "crop", ("u8", "f32", "rgb"), *_args)
for _size in (10, [7, 12], [30, 12], [31, 40], [18, 23]):
    operate("exact", "center_crop", ("u8", "f32", "rgb"), _size)
operate("exact", "five_crop", ("u8", "rgb"), [6, 7])
operate("exact", "ten_crop", ("u8", "rgb"), 8)
operate("exact", "ten_crop", ("u8",), 8, vertical_flip=True)
for _name in ("hflip", "vflip"):
    operate("exact", _name, ALL)
for _padding in (2, [1, 2], [1, 2, 3, 4], [-1, 2, 3, -2]):
    for _mode in ("edge", "reflect", "symmetric"):
        operate("exact", "pad", ("u8", "f32", "rgb"), _padding, 0, _mode)
    operate("exact", "pad", ("u8", "f32"), _padding, 7)
operate("exact", "pad", ("rgb",), [1, 2, 3, 4], 7)
operate("exact", "pad", ("rgb",), [1, 2, 3, 4], (1, 2, 3))
operate("exact", "pad", ("u8", "f32"), [1, 2, 3, 4], [1.0, 2.0, 3.0], family="F2")
for _angle in (30.0, 90.0, 180.0, -45.5, 270):
    for _mode in ("NEAREST", "BILINEAR"):
        _kind = "pixels" if _mode == "NEAREST" else "near"
        for _expand in (False, True):
            operate(_kind, "rotate", ("u8",), _angle, interpolation=mode(_mode), expand=_expand)
        operate(_kind, "rotate", ("f32", "rgb"), _angle, interpolation=mode(_mode))
operate("near", "rotate", ("u8",), 30, interpolation=mode("BILINEAR"), center=[4, 6], fill=[10.0, 100.0, 200.0])
operate("pixels", "rotate", ("batch", "rgb"), 30, center=[4, 6], fill=(9,))
operate("exact", "rotate", ("rgb",), 30, interpolation=mode("BICUBIC"), expand=True)
for _args in (
    (20.0, [2, -3], 1.2, [5.0, 0.0]),
    (0.0, [3, 0], 1.0, [0.0, 0.0]),
    (-70.0, [0, 0], 0.6, [0.0, 20.0]),
):
    operate("pixels", "affine", ("u8", "f32", "rgb"), *_args)
    operate("near", "affine", ("u8", "f32", "rgb"), *_args, interpolation=mode("BILINEAR"))
    operate("near", "affine", ("u8", "batch"), *_args, interpolation=mode("BILINEAR"), fill=[90.0], center=[3, 4])
_START, _END = [[0, 0], [22, 0], [22, 17], [0, 17]], [[2, 1], [20, 3], [21, 16], [1, 14]]
operate("near", "perspective", ("u8", "f32", "rgb"), _START, _END)
operate("near", "perspective", ("u8",), _START, _END, fill=[1.0, 100.0, 200.0])
operate("pixels", "perspective", ("u8", "rgb"), _START, _END, interpolation=mode("NEAREST"))
for _kernel, _sigma in ((3, None), ([5, 3], [0.7, 1.3]), (7, 2.0)):
    operate("near", "gaussian_blur", ("u8", "f32", "batch", "rgb"), _kernel, _sigma)


def displacement(env):
    """displacement"""
    r = np.random.RandomState(3)
    return env.torch.from_numpy((r.rand(1, *SIZE, 2).astype(np.float32) - 0.5) * 0.3)


operate("near", "elastic_transform", ("u8", "f32", "rgb"), displacement)
operate("pixels", "elastic_transform", ("u8",), displacement, interpolation=mode("NEAREST"), fill=[3.0])
for _factor in (0.0, 0.35, 1.0, 1.7):
    for _name in ("adjust_brightness", "adjust_contrast", "adjust_saturation", "adjust_sharpness"):
        operate("exact", _name, ALL, _factor)
for _factor in (-0.5, -0.13, 0.0, 0.3):
    operate("exact", "adjust_hue", ALL, _factor)
for _args in ((0.5,), (1.0, 0.7), (2.2, 1.5)):
    operate("exact", "adjust_gamma", ("u8", "f32", "rgb"), *_args)
for _name in ("invert", "autocontrast", "equalize"):
    operate("exact", _name, ("u8", "gray", "batch", "rgb", "l"))
operate("exact", "invert", ("f32", "i16"))
operate("exact", "autocontrast", ("f32",))
operate("exact", "equalize", ("f32",), family="F2")
for _bits in (1, 3, 8):
    operate("exact", "posterize", ("u8", "rgb"), _bits)
operate("exact", "posterize", ("f32", "i16"), 3, family="F2")
for _threshold in (0, 100, 255):
    operate("exact", "solarize", ("u8", "rgb"), _threshold)
operate("exact", "solarize", ("f32",), 0.4)
for _channels in (1, 3):
    operate("exact", "rgb_to_grayscale", ALL, _channels)
operate("exact", "normalize", ("f32", "f64", "fbatch"), [0.4, 0.5, 0.6], [0.2, 0.3, 0.25])
operate("exact", "to_tensor", ("rgb", "l", "rgba"), family="F")
operate("exact", "pil_to_tensor", ("rgb", "l", "rgba"), family="F")
operate("exact", "to_pil_image", ("u8", "gray", "f32"), family="F")
operate("exact", "permute_channels", ("u8", "rgb"), [2, 0, 1], family="F2")
operate("exact", "grayscale_to_rgb", ("gray", "l"), family="F2")
operate("exact", "jpeg", ("rgb",), 30, family="F2")
operate("exact", "get_dimensions", ALL)


def dtype(name):
    def get(env):
        return getattr(env.torch, name)

    get.__doc__ = name
    return get


for _to in ("uint8", "int16", "int32", "int64", "float32", "float64"):
    operate("exact", "convert_image_dtype", ("u8", "i16"), dtype(_to))
    operate("exact", "to_dtype", ("u8",), dtype(_to), family="F2")
for _to in ("uint8", "int16", "float64"):
    operate("exact", "convert_image_dtype", ("f32", "f64"), dtype(_to))

# --------------------------------------------------------------------------------------------------------------- classes

V1 = {
    "RandomCrop": ("exact", ((12,), {"padding": 3}), (([25, 20],), {"pad_if_needed": True, "padding_mode": "reflect"})),
    "RandomResizedCrop": ("near", ((10,), {}), (([7, 9],), {"scale": (0.5, 1.0), "ratio": (1.0, 1.0)})),
    "RandomHorizontalFlip": ("exact", ((), {}), ((0.9,), {})),
    "RandomVerticalFlip": ("exact", ((), {})),
    "RandomRotation": ("near", ((40,), {"interpolation": "BILINEAR"}), (((10, 80),), {"interpolation": "BILINEAR"})),
    "RandomAffine": ("near", ((30, (0.2, 0.3), (0.7, 1.3), (-5, 5, -9, 9)), {"interpolation": "BILINEAR", "fill": 5})),
    "RandomPerspective": ("near", ((0.6, 0.8), {})),
    "ElasticTransform": ("near", ((30.0, 1.0), {})),
    "ColorJitter": ("exact", ((0.4, 0.3, (0.5, 2.0), 0.2), {}), ((0.4,), {})),
    "RandomGrayscale": ("exact", ((0.5,), {})),
    "GaussianBlur": ("near", ((5,), {}), (((3, 5),), {"sigma": (1.0, 1.5)})),
    "RandomInvert": ("exact", ((), {})),
    "RandomPosterize": ("exact", ((3,), {})),
    "RandomSolarize": ("exact", ((120,), {})),
    "RandomAdjustSharpness": ("exact", ((1.8,), {})),
    "RandomAutocontrast": ("exact", ((), {})),
    "RandomEqualize": ("exact", ((), {})),
    "AutoAugment": ("pixels", ((), {})),
    "RandAugment": ("pixels", ((), {}), ((3, 15), {})),
    "TrivialAugmentWide": ("pixels", ((), {})),
    "AugMix": ("near", ((), {})),
}
TENSOR_ONLY = {
    "RandomErasing": ("exact", ((0.8,), {}), ((1.0,), {"value": "random"}), ((1.0,), {"value": (9, 8, 7)})),
}


def construct(env, family, name, arguments, keywords):
    keywords = dict(keywords)
    if "interpolation" in keywords:
        keywords["interpolation"] = env.modes[keywords["interpolation"]]
    return getattr(getattr(env, family), name)(*arguments, **keywords)


def seeded(env, seed):
    env.torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


def position(env):
    """A further draw of each generator: they tell where the streams stand."""
    return [env.torch.randint(1 << 20, (1,)).item(), random.randrange(1 << 20), int(np.random.randint(1 << 20))]


def random_class(family, name, which, arguments, keywords):
    def fn(env):
        transform = construct(env, family, name, arguments, keywords)
        made = []
        for seed in (1, 2, 3):
            seeded(env, seed)
            made += [transform(inputs(env, which)), position(env)]
        return made

    return fn


for _table, _inputs in ((V1, ("u8", "rgb")), (TENSOR_ONLY, ("u8", "f32"))):
    for _name, (_kind, *_variants) in _table.items():
        for _family in ("T", "v2"):
            for _which in _inputs:
                for _number, (_arguments, _keywords) in enumerate(_variants):
                    add(
                        f"{_family}.{_name}#{_number}({_which})",
                        _kind,
                        random_class(_family, _name, _which, _arguments, _keywords),
                    )


def case(kind):
    def decorate(fn):
        add(fn.__name__, kind, fn)
        return fn

    return decorate


@case("exact")
def choosing_transforms(env):
    made = []
    T = env.T
    steps = [T.RandomInvert(1.0), T.RandomVerticalFlip(1.0), T.Grayscale(3)]
    for seed in range(4):
        seeded(env, seed)
        for t in (T.RandomApply(steps, 0.5), T.RandomOrder(steps), T.RandomChoice(steps, [1, 2, 3])):
            made.append(t(inputs(env, "u8")))
        made.append(position(env))
    return made


@case("exact")
def choosing_transforms_v2(env):
    made = []
    v2 = env.v2
    steps = [v2.RandomInvert(1.0), v2.RandomVerticalFlip(1.0), v2.Grayscale(3)]
    for seed in range(4):
        seeded(env, seed)
        for t in (v2.RandomApply(steps, 0.5), v2.RandomOrder(steps), v2.RandomChoice(steps, [1, 2, 3])):
            made.append(t(inputs(env, "u8")))
        made.append(position(env))
    return made


@case("exact")
def mixup_and_cutmix(env):
    torch, v2 = env.torch, env.v2
    made = []
    for t in (v2.MixUp(num_classes=5), v2.CutMix(num_classes=5, alpha=0.7), v2.MixUp(alpha=0.3)):
        for seed in (1, 2):
            seeded(env, seed)
            labels = torch.tensor([1, 4]) if t.num_classes else torch.tensor([[0.2, 0.8], [1.0, 0.0]])
            made += [*t(inputs(env, "fbatch"), labels), position(env)]
    return made


@case("exact")
def lists_of_params(env):
    """The parameters that classes draw."""
    T = env.T
    image = inputs(env, "u8", (200, 301))
    made = []
    for seed in range(5):
        seeded(env, seed)
        made += [
            T.RandomCrop.get_params(image, (50, 60)),
            T.RandomResizedCrop.get_params(image, (0.08, 1.0), (0.75, 4 / 3)),
            T.RandomRotation.get_params([-30.0, 20.0]),
            T.RandomAffine.get_params([-5, 5], (0.1, 0.2), (0.5, 2.0), (-3, 3, -4, 4), [301, 200]),
            T.RandomPerspective.get_params(301, 200, 0.5),
            list(T.ColorJitter.get_params((0.5, 1.5), None, (0.1, 0.2), (-0.1, 0.1))[1:]),
            T.GaussianBlur.get_params(0.1, 2.0),
            list(T.RandomErasing.get_params(image, (0.02, 0.33), (0.3, 3.3), [1.0])[:4]),
            T.AutoAugment.get_params(25)[0],
            position(env),
        ]
    return made


# ------------------------------------------------------------------------------------------------------------ annotations

FORMATS = ("XYXY", "XYWH", "CXCYWH", "XYWHR", "CXCYWHR", "XYXYXYXY")
_BOXES = {
    "XYXY": [[2, 3, 10, 12], [0, 0, 23, 18], [15, 9, 30, 25], [5, 5, 5, 9]],
    "XYWH": [[2, 3, 8, 9], [0, 0, 23, 18], [15, 9, 15, 16], [5, 5, 0, 4]],
    "CXCYWH": [[6, 7, 8, 9], [11, 9, 23, 18], [20, 15, 15, 16], [5, 5, 1, 4]],
    "XYWHR": [[2, 9, 8, 5, 30], [5, 5, 6, 4, -20], [12, 10, 9, 7, 75]],
    "CXCYWHR": [[6, 7, 8, 5, 30], [12, 9, 6, 4, -20], [15, 10, 9, 7, 75]],
    "XYXYXYXY": [[2, 9, 9, 5, 11, 9, 4, 13], [5, 5, 11, 7, 10, 11, 4, 9]],
}


def boxes(env, format, dtype="float32", mode="soft"):
    return env.tvt.BoundingBoxes(
        env.torch.tensor(_BOXES[format], dtype=getattr(env.torch, dtype)), format=format, canvas_size=SIZE,
        clamping_mode=mode,
    )  # fmt: skip


def points(env, dtype="float32"):
    values = env.torch.tensor([[2, 3], [10, 12], [22, 17], [30, -4]], dtype=getattr(env.torch, dtype))
    return env.tvt.KeyPoints(values, canvas_size=SIZE)


_CHANGES = {
    "horizontal_flip": {},
    "vertical_flip": {},
    "resize": {"size": [9, 30]},
    "crop": {"top": 2, "left": -3, "height": 12, "width": 15},
    "center_crop": {"output_size": [10, 30]},
    "pad": {"padding": [1, 2, 3, 4]},
    "resized_crop": {"top": 2, "left": 3, "height": 12, "width": 15, "size": [20, 21]},
    "affine": {"angle": 20, "translate": [2, 1], "scale": 1.2, "shear": [5.0, 3.0]},
    "rotate": {"angle": 30, "expand": True},
    "perspective": {"startpoints": _START, "endpoints": _END},
}


def annotation_cases(name, keywords):
    def of_boxes(format, dtype, mode):
        def fn(env):
            return getattr(env.F2, name)(boxes(env, format, dtype, mode), **keywords)

        add(f"F2.{name}(boxes;{format},{dtype},{mode})", "boxes", fn)

    for format in FORMATS:
        of_boxes(format, "float32", "soft")
    of_boxes("XYXY", "int64", "soft")
    of_boxes("CXCYWH", "int64", None)
    of_boxes("CXCYWHR", "float64", "hard")
    of_boxes("XYXYXYXY", "float64", None)
    for dtype in ("float32", "int64"):
        add(
            f"F2.{name}(points;{dtype})",
            "boxes",
            lambda env, d=dtype: getattr(env.F2, name)(points(env, d), **keywords),
        )

    def of_mask(env):
        mask = inputs(env, "gray") // 64
        return [getattr(env.F2, name)(env.tvt.Mask(m), **keywords) for m in (mask, mask[0])]

    add(f"F2.{name}(mask)", "pixels", of_mask)


for _name, _keywords in _CHANGES.items():
    annotation_cases(_name, _keywords)


@case("boxes")
def elastic_annotations(env):
    d = displacement(env)
    kinds = [boxes(env, f) for f in FORMATS] + [points(env), boxes(env, "XYXY", "int64"), points(env, "int64")]
    return [env.F2.elastic(k, d) for k in kinds] + [env.F2.elastic(env.tvt.Mask(inputs(env, "gray")), d)]


@case("boxes")
def formats_of_boxes(env):
    made = []
    for group in (FORMATS[:3], FORMATS[3:]):
        for old in group:
            for new in group:
                made.append(env.F2.convert_bounding_box_format(boxes(env, old), new_format=new))
                if old in FORMATS[:3]:
                    made.append(env.F2.convert_bounding_box_format(boxes(env, old, "int64"), new_format=new))
    return made


@case("boxes")
def clamping_and_sanitizing(env):
    made = []
    for f in FORMATS:
        for m in ("soft", "hard", None):
            made.append(env.F2.clamp_bounding_boxes(boxes(env, f, mode=m)))
        made += env.F2.sanitize_bounding_boxes(boxes(env, f), min_size=2, min_area=20)
    made += [env.F2.clamp_keypoints(points(env)), *env.F2.sanitize_keypoints(points(env))]
    return made


def sample(env, image="u8"):
    """A detection sample: image, boxes, mask, points and labels."""
    return {
        "image": env.tvt.Image(inputs(env, image)) if image != "rgb" else inputs(env, image),
        "boxes": boxes(env, "XYXY"),
        "mask": env.tvt.Mask(inputs(env, "gray")[0] // 64),
        "points": points(env),
        "labels": env.torch.tensor([1, 2, 3, 4]),
        "note": "kept",
    }


SAMPLES = {
    "RandomHorizontalFlip": ((0.5,), {}),
    "RandomZoomOut": ((), {"fill": 3}),
    "RandomIoUCrop": ((), {}),
    "RandomPhotometricDistort": ((), {}),
    "RandomChannelPermutation": ((), {}),
    "ScaleJitter": (((20, 25),), {}),
    "RandomShortestSize": (([9, 14, 20], 30), {}),
    "RandomResize": ((8, 20), {}),
    "RandomCrop": (([10, 12],), {"padding": 2}),
    "RandomResizedCrop": ((11,), {}),
    "RandomRotation": ((30,), {"expand": True, "interpolation": "BILINEAR"}),
    "RandomAffine": ((20, (0.1, 0.1), (0.8, 1.2), 5), {"interpolation": "BILINEAR"}),
    "RandomPerspective": ((0.3, 1.0), {}),
    "Resize": (([9, 12],), {}),
    "CenterCrop": ((12,), {}),
    "Pad": (([1, 2],), {"fill": 4}),
    "SanitizeBoundingBoxes": ((), {}),
    "ClampBoundingBoxes": ((), {}),
    "ClampKeyPoints": ((), {}),
    "ConvertBoundingBoxFormat": (("CXCYWH",), {}),
}
for _name, (_arguments, _keywords) in SAMPLES.items():
    for _image in ("u8", "rgb"):

        def _fn(env, name=_name, arguments=_arguments, keywords=_keywords, image=_image):
            transform = construct(env, "v2", name, arguments, keywords)
            made = []
            for seed in (5, 6):
                seeded(env, seed)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    made += [transform(sample(env, image)), position(env)]
            return made

        add(f"v2.{_name}(sample;{_image})", "samples", _fn)


@case("exact")
def noise(env):
    made = []
    for which in ("u8", "f32"):
        for clip in (True, False):
            seeded(env, 4)
            made += [env.v2.GaussianNoise(0.1, 0.2, clip)(inputs(env, which)), position(env)]
    return made


@case("exact")
def videos(env):
    video = env.tvt.Video(inputs(env, "batch"))
    clip = env.torch.arange(10 * 1 * 2 * 2).reshape(10, 1, 2, 2)
    return [
        env.v2.UniformTemporalSubsample(4)(clip),
        env.F2.horizontal_flip(video),
        env.F2.adjust_contrast(video, 0.3),
        env.F2.get_num_frames(video),
        env.F2.crop(video, 1, 2, 3, 4),
    ]


@case("exact")
def dtypes_of_samples(env):
    torch, v2, tvt = env.torch, env.v2, env.tvt
    return [
        v2.ToDtype(torch.float32, scale=True)(sample(env)),
        v2.ToDtype({tvt.Image: torch.float32, tvt.Mask: torch.int64, "others": None}, scale=True)(sample(env)),
        v2.ToDtype(torch.float32)(inputs(env, "u8")),
        v2.ToImage()(inputs(env, "rgb")),
        v2.ToImage()(picture(4, 5)),
        v2.ToPureTensor()(sample(env)),
        v2.PILToTensor()(inputs(env, "rgb")),
        v2.Normalize([0.4] * 3, [0.2] * 3)(tvt.Image(inputs(env, "f32"))),
        v2.RGB()(inputs(env, "gray")),
    ]


@case("near")
def whitening(env):
    r = np.random.RandomState(0)
    n = 3 * 4 * 5
    matrix, mean = (env.torch.from_numpy(r.rand(*s).astype(np.float32)) for s in ((n, n), (n,)))
    image = env.torch.from_numpy(r.rand(2, 3, 4, 5).astype(np.float32))
    return [family.LinearTransformation(matrix, mean)(image) for family in (env.T, env.v2)]


# ------------------------------------------------------------------------------------------------------------------ utils


@case("exact")
def grids(env):
    batch = inputs(env, "fbatch")
    many = batch.repeat(3, 1, 1, 1)
    grid = env.utils.make_grid
    return [
        grid(many, nrow=4),
        grid(many[:, :1], nrow=2, padding=1, pad_value=0.5),
        grid(many * 3 - 1, normalize=True),
        grid(many * 3 - 1, normalize=True, scale_each=True),
        grid(many, normalize=True, value_range=(0.2, 0.8)),
        grid([batch[0], batch[1]], nrow=1),
        grid(batch[0]),
        grid(batch[0, 0]),
    ]


@case("exact")
def drawings(env):
    torch, utils = env.torch, env.utils
    image = inputs(env, "u8", (40, 50))
    corners = torch.tensor([[3, 4, 20, 21], [10, 12, 45, 30]])
    masks = torch.zeros(2, 40, 50, dtype=torch.bool)
    masks[0, 3:20, 5:25] = True
    masks[1, 10:30, 15:40] = True
    knots = torch.tensor([[[5, 5], [20, 10], [30, 30]], [[40, 5], [10, 35], [25, 25]]])
    turned = torch.tensor([[10, 10, 30, 5, 33, 17, 13, 22]])
    return [
        utils.draw_bounding_boxes(image, corners),
        utils.draw_bounding_boxes(image, corners, colors=["red", "#00ff00"], width=2, fill=True),
        utils.draw_bounding_boxes(image, turned, colors="yellow"),
        utils.draw_bounding_boxes(image.float() / 255, corners, colors=(1, 2, 3)),
        utils.draw_bounding_boxes(image[:1], corners, colors="blue"),
        utils.draw_segmentation_masks(image, masks, alpha=0.6),
        utils.draw_segmentation_masks(image, masks[0], colors="red"),
        utils.draw_segmentation_masks(image.float() / 255, masks, colors=["red", (0, 9, 200)]),
        utils.draw_keypoints(image, knots, colors="red", radius=3),
        utils.draw_keypoints(image, knots, connectivity=[(0, 1), (1, 2)], colors="blue", width=2),
        utils.draw_keypoints(
            image, knots, colors=(1, 2, 3), visibility=torch.tensor([[1, 0, 1], [1, 1, 0]], dtype=torch.bool)
        ),
    ]


@case("flow")
def flows(env):
    r = np.random.RandomState(0)
    flow = env.torch.from_numpy(r.randn(2, 2, 12, 14).astype(np.float32))
    return [env.utils.flow_to_image(flow), env.utils.flow_to_image(flow[0])]


# ------------------------------------------------------------------------------------------------------------------ texts

REPRS = [
    ("T", "Resize", (10,), {}), ("T", "CenterCrop", ((3, 4),), {}), ("T", "Pad", (2,), {"fill": 3}),
    ("T", "ToTensor", (), {}), ("T", "PILToTensor", (), {}), ("T", "ToPILImage", ("RGB",), {}),
    ("T", "Normalize", ((0.5,), (0.2,)), {}), ("T", "RandomCrop", (3,), {"padding": 1}),
    ("T", "RandomHorizontalFlip", (0.3,), {}), ("T", "RandomVerticalFlip", (), {}), ("T", "RandomPerspective", (), {}),
    ("T", "RandomResizedCrop", (5,), {}), ("T", "FiveCrop", (5,), {}), ("T", "TenCrop", (5,), {}),
    ("T", "ColorJitter", (0.1, 0.2), {}), ("T", "RandomRotation", (5,), {}),
    ("T", "RandomRotation", (5,), {"center": (1, 2), "fill": 3}), ("T", "RandomAffine", (5,), {}),
    ("T", "RandomAffine", (5, (0.1, 0.2), (1.0, 2.0), 3), {"fill": 2, "center": (1, 1)}),
    ("T", "Grayscale", (3,), {}), ("T", "RandomGrayscale", (), {}), ("T", "RandomErasing", (), {}),
    ("T", "GaussianBlur", (3,), {}), ("T", "RandomInvert", (), {}), ("T", "RandomPosterize", (3,), {}),
    ("T", "RandomSolarize", (100,), {}), ("T", "RandomAdjustSharpness", (2,), {}),
    ("T", "RandomAutocontrast", (), {}), ("T", "RandomEqualize", (), {}), ("T", "ElasticTransform", (), {}),
    ("T", "AutoAugment", (), {}), ("T", "RandAugment", (), {}), ("T", "TrivialAugmentWide", (), {}),
    ("T", "AugMix", (), {}), ("v2", "Resize", (10,), {}), ("v2", "CenterCrop", ((3, 4),), {}),
    ("v2", "Pad", (2,), {"fill": 3}), ("v2", "RandomCrop", (3,), {"padding": 1}), ("v2", "RandomHorizontalFlip", (), {}),
    ("v2", "RandomResizedCrop", (5,), {}), ("v2", "RandomRotation", (5,), {}), ("v2", "RandomAffine", (5,), {}),
    ("v2", "ColorJitter", (0.1,), {}), ("v2", "ToImage", (), {}), ("v2", "GaussianBlur", (3,), {}),
    ("v2", "Normalize", ((0.5,), (0.2,)), {}), ("v2", "RandAugment", (), {}), ("v2", "AutoAugment", (), {}),
    ("v2", "TrivialAugmentWide", (), {}), ("v2", "AugMix", (), {}), ("v2", "RandomErasing", (), {}),
    ("v2", "MixUp", (), {"num_classes": 3}), ("v2", "JPEG", ((5, 50),), {}), ("v2", "SanitizeBoundingBoxes", (), {}),
    ("v2", "RandomIoUCrop", (), {}), ("v2", "ElasticTransform", (), {}), ("v2", "RandomPhotometricDistort", (), {}),
    ("v2", "RandomZoomOut", (), {}), ("v2", "ConvertBoundingBoxFormat", ("XYXY",), {}), ("v2", "GaussianNoise", (), {}),
]  # fmt: skip


def text(env):
    """What objects print."""
    T, v2 = env.T, env.v2
    made = [repr(getattr(getattr(env, f), n)(*a, **k)) for f, n, a, k in REPRS]
    made += [
        repr(T.Compose([T.Resize(3), T.ToTensor()])),
        repr(T.RandomApply([T.Resize(3)], 0.3)),
        repr(T.RandomOrder([T.Resize(3)])),
        repr(T.RandomChoice([T.Resize(3)])),
        repr(v2.Compose([v2.Resize(3), v2.ToImage()])),
        repr(v2.RandomApply([v2.Resize(3)])),
        repr(v2.ToDtype(env.torch.float32, scale=True)),
        repr(boxes(env, "XYXY", "int64")),
        repr(points(env)),
        repr(env.tvt.Image(env.torch.zeros(1, 2, 2))),
        repr(env.tvt.Mask(env.torch.zeros(2, 2))),
    ]
    return made


WRONG = {
    "resize to three sizes": lambda e: e.F.resize(inputs(e, "u8"), [1, 2, 3]),
    "resize by a string": lambda e: e.F.resize(inputs(e, "u8"), 5, interpolation="bilinear"),
    "resize by a wrong string": lambda e: e.F2.resize(inputs(e, "u8"), 5, interpolation="cubic"),
    "resize box": lambda e: e.F.resize(inputs(e, "u8"), 5, interpolation=e.modes.BOX),
    "lanczos without antialias": lambda e: e.F2.resize(inputs(e, "u8"), 5, interpolation="lanczos", antialias=False),
    "rotate by cubic": lambda e: e.F.rotate(inputs(e, "u8"), 5, interpolation=e.modes.BICUBIC),
    "affine without scale": lambda e: e.F.affine(inputs(e, "u8"), 5, [0, 0], 0.0, [0.0]),
    "fill of two": lambda e: e.F2.rotate(inputs(e, "u8"), 5, fill=[1, 2]),
    "negative brightness": lambda e: e.F.adjust_brightness(inputs(e, "u8"), -1),
    "hue of one": lambda e: e.F2.adjust_hue(inputs(e, "u8"), 1),
    "posterize floats": lambda e: e.F.posterize(inputs(e, "f32"), 3),
    "normalize bytes": lambda e: e.F.normalize(inputs(e, "u8"), [0.5], [0.5]),
    "normalize by zero": lambda e: e.F.normalize(inputs(e, "f32"), [0.5], [0.0]),
    "normalize by zero v2": lambda e: e.F2.normalize(inputs(e, "f32"), [0.5], [0.0]),
    "even blur": lambda e: e.F.gaussian_blur(inputs(e, "u8"), 4),
    "to_tensor of a list": lambda e: e.F.to_tensor([1]),
    "to_pil_image of five": lambda e: e.F.to_pil_image(e.torch.zeros(5, 2, 2)),
    "five channels gray": lambda e: e.F.rgb_to_grayscale(e.torch.zeros(5, 2, 2)),
    "crop too large": lambda e: e.T.RandomCrop(99)(inputs(e, "u8")),
    "crop too large v2": lambda e: e.v2.RandomCrop(99)(inputs(e, "u8")),
    "jitter of strings": lambda e: e.T.ColorJitter("a"),
    "rotation of none": lambda e: e.T.RandomRotation(-3),
    "unknown input": lambda e: e.F2.resize("image", 3),
    "no image": lambda e: e.v2.RandomResizedCrop(3)({"a": "b"}),
    "two sizes": lambda e: e.v2.RandomResizedCrop(3)(
        [e.tvt.Image(e.torch.zeros(3, 4, 5)), e.tvt.Mask(e.torch.zeros(9, 9))]
    ),
    "mixup of indices": lambda e: e.v2.MixUp()(inputs(e, "fbatch"), e.torch.tensor([0, 1])),
    "float to int32": lambda e: e.F.convert_image_dtype(inputs(e, "f32"), e.torch.int32),
    "boxes of three dims": lambda e: e.tvt.BoundingBoxes(e.torch.zeros(1, 2, 4), format="XYXY", canvas_size=(3, 3)),
    "turned integers": lambda e: e.tvt.BoundingBoxes([[1, 2, 3, 4, 5]], format="XYWHR", canvas_size=(3, 3)),
    "mixed formats": lambda e: e.F2.convert_bounding_box_format(boxes(e, "XYXY"), new_format="XYWHR"),
    "reflect too far": lambda e: e.F.pad(inputs(e, "u8"), 40, padding_mode="reflect"),
    "grid of a string": lambda e: e.utils.make_grid("x"),
    "draw on four channels": lambda e: e.utils.draw_bounding_boxes(e.torch.zeros(4, 5, 5), e.torch.zeros(1, 4)),
}
