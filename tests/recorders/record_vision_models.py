"""Record torchvision's models: writes ``tests/data/vision_models.json``.

    python tests/recorders/record_vision_models.py      (with PyTorch 2.13, Pillow and torchvision 0.29.1 --no-deps)

For each model: digests of its state's names and shapes, of how it prints, and of the bytes of all its initial values
under seed 0, with the next random number; and its output in evaluation on a small image. For some, gradients.
"""

import hashlib
import json
import pathlib
import sys
import warnings

import numpy as np

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"

#: Built without published weights; what else a builder needs.
NO_BACKBONE = {"weights": None, "weights_backbone": None}
#: Arguments for the model that is run on an image, where the default asks for a large one.
SMALL = {
    "vit_b_16": {"image_size": 64}, "vit_b_32": {"image_size": 64}, "vit_l_16": {"image_size": 64},
    "vit_l_32": {"image_size": 64}, "vit_h_14": {"image_size": 56},
}  # fmt: skip
SIZES = {"inception_v3": 80, "maxvit_t": 224, "vit_h_14": 56, "lraspp_mobilenet_v3_large": 96}
#: Models of more parameters are not built: only their names and shapes are compared, on the meta device.
LARGEST = 36_000_000
LARGE_ALL_THE_SAME = ("alexnet", "vgg11", "vit_b_32", "wide_resnet50_2")
#: A RegNet's widths are computed by tensors, so that it cannot be built on the meta device; the largest are left out
#: (with the attention models for videos, which are not here).
LEFT_OUT = (
    "regnet_y_128gf", "regnet_y_32gf", "regnet_x_32gf", "regnet_y_16gf", "regnet_x_16gf",
    "mvit_v1_b", "mvit_v2_s", "swin3d_t", "swin3d_s", "swin3d_b",
)  # fmt: skip
#: Frames, height and width of the videos for some.
VIDEOS = {"r3d_18": (4, 32, 32), "mc3_18": (4, 32, 32), "r2plus1d_18": (4, 32, 32), "s3d": (14, 224, 224)}
GRADIENTS = ("squeezenet1_1", "shufflenet_v2_x0_5", "mobilenet_v3_small", "resnet18", "swin_t", "convnext_tiny")


def names(vision):
    """The models that torchvision lists, without quantised ones and `LEFT_OUT`."""
    m = vision.models
    found = [name for part in (m, m.segmentation, m.detection, m.video) for name in m.list_models(part)]
    return [name for name in found if name not in LEFT_OUT]


def build(torch, vision, name, **kwargs):
    m = vision.models
    options = {} if name in m.list_models(m) + m.list_models(m.video) else NO_BACKBONE
    torch.manual_seed(0)
    return vision.models.get_model(name, **options, **kwargs)


def digest(text):
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def structure(torch, vision, name):
    """Names, shapes and dtypes of the state, and how the model prints."""
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        model = build(torch, vision, name)
    state = "\n".join(f"{k} {list(v.shape)} {v.dtype}" for k, v in model.state_dict().items())
    return {
        "state": digest(state),
        "repr": digest(repr(model)),
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def initial(torch, vision, name):
    """The bytes of all initial values, and the random number after them."""
    model = build(torch, vision, name)
    found = hashlib.sha256()
    for value in model.state_dict().values():
        found.update(np.ascontiguousarray(value.detach().numpy()).tobytes())
    return {"values": found.hexdigest()[:16], "next": torch.rand(1).item()}


def image(torch, name):
    sizes = VIDEOS.get(name) or (SIZES.get(name, 64),) * 2
    return torch.from_numpy(np.random.RandomState(0).standard_normal((2, 3, *sizes)).astype("float32"))


def settle(torch, model):
    """Running statistics other than 0 and 1, so that they count, and heads that do not begin at 0."""
    for i, (key, value) in enumerate(model.state_dict().items()):
        random = np.asarray(np.random.RandomState(i).rand(*value.shape), "float32")
        if key.endswith("running_mean"):
            value.copy_(torch.from_numpy((random - 0.5) * 0.2))
        elif key.endswith("running_var"):
            value.copy_(torch.from_numpy(random + 0.5))
        elif key.endswith("heads.head.weight") or key.endswith("layer_scale"):
            value.copy_(torch.from_numpy(random - 0.5))


def output(torch, vision, name):
    """Mean, largest absolute value and a few values of the output in evaluation."""
    model = build(torch, vision, name, **SMALL.get(name, {})).eval()
    settle(torch, model)
    with torch.no_grad():
        out = model(image(torch, name))
    parts = out if isinstance(out, dict) else {"out": out}
    return {k: summary(v.numpy()) for k, v in parts.items()}


def summary(value):
    flat = value.astype("float64").reshape(-1)
    chosen = flat[:: max(1, flat.size // 6)][:6]
    return [list(value.shape), float(flat.mean()), float(np.abs(flat).max()), [float(v) for v in chosen]]


def gradient(torch, vision, name):
    """Norms of some parameters' gradients after one backward pass in training mode, and the loss."""
    model = build(torch, vision, name)
    loss = torch.nn.functional.cross_entropy(model(image(torch, name)), torch.tensor([3, 5]))
    loss.backward()
    found = [p.grad.norm() for p in model.parameters()]
    return {"loss": loss.item(), "norms": [g.item() for g in found[:: max(1, len(found) // 8)]]}


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    import torch
    import torchvision_operators  # noqa: F401

    # isort: split
    import torchvision

    warnings.simplefilter("ignore")
    file = DATA / "vision_models.json"
    record = json.loads(file.read_text()) if file.exists() else {}
    for name in names(torchvision):
        if name in record:  # delete the file to record all anew
            continue
        print(name, flush=True)
        found = structure(torch, torchvision, name)
        if found["parameters"] < LARGEST or name in LARGE_ALL_THE_SAME:
            found |= initial(torch, torchvision, name)
            if "rcnn" not in name and not any(k in name for k in ("retinanet", "ssd", "fcos")):
                found["output"] = output(torch, torchvision, name)
        if name in GRADIENTS:
            found["gradient"] = gradient(torch, torchvision, name)
        record[name] = found
        text = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in record.items())
        file.write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    main()
