"""Record small detection models of torchvision: writes ``tests/data/vision_detection.json``.

    python tests/recorders/record_vision_detection.py      (with PyTorch 2.13, Pillow and torchvision 0.29.1 --no-deps)

For each model on a small backbone: losses and norms of some gradients of a training step, the random number after it,
and what it finds in two images.
"""

import json
import pathlib
import sys

import numpy as np

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"


def backbone(torch, vision):
    """Two small maps through a feature pyramid."""
    nn = torch.nn

    def stage(width, out):
        return nn.Sequential(nn.Conv2d(width, out, 3, stride=4, padding=1), nn.ReLU())

    body = nn.Sequential()
    body.add_module("first", stage(3, 8))
    body.add_module("second", stage(8, 16))
    from_utils = vision.models.detection.backbone_utils.BackboneWithFPN
    return from_utils(body, {"first": "0", "second": "1"}, [8, 16], 16)


def images(torch):
    random = np.random.RandomState(0)
    return [torch.tensor(random.rand(3, h, w).astype("float32")) for h, w in ((60, 80), (72, 64))]


def targets(torch):
    random = np.random.RandomState(1)
    found = []
    for count in (3, 2):
        low = random.rand(count, 2) * 30
        boxes = np.concatenate([low, low + 8 + random.rand(count, 2) * 20], 1)
        masks = random.randint(0, 2, (count, *((60, 80) if count == 3 else (72, 64))))
        found.append(
            {
                "boxes": torch.tensor(boxes.astype("float32")),
                "labels": torch.tensor(random.randint(1, 3, count)),
                "masks": torch.tensor(masks.astype("uint8")),
            }
        )
    return found


def anchors(detection, levels=3):
    sizes = ((8,), (16,), (32,))[:levels]
    return detection.anchor_utils.AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * levels)


def faster(torch, vision):
    d = vision.models.detection
    pool = vision.ops.MultiScaleRoIAlign(["0", "1"], 3, 2)
    return d.FasterRCNN(
        backbone(torch, vision), None, min_size=(48, 64), max_size=96, rpn_anchor_generator=anchors(d),
        box_roi_pool=pool, box_head=d.faster_rcnn.TwoMLPHead(16 * 9, 20),
        box_predictor=d.faster_rcnn.FastRCNNPredictor(20, 3), rpn_batch_size_per_image=32, box_batch_size_per_image=24,
        box_score_thresh=0.3, rpn_post_nms_top_n_train=60, rpn_post_nms_top_n_test=40,
    )  # fmt: skip


def mask(torch, vision):
    d = vision.models.detection
    pools = [vision.ops.MultiScaleRoIAlign(["0", "1"], size, 2) for size in (3, 4)]
    return d.MaskRCNN(
        backbone(torch, vision), None, min_size=64, max_size=96, rpn_anchor_generator=anchors(d), box_roi_pool=pools[0],
        box_head=d.faster_rcnn.TwoMLPHead(16 * 9, 20), box_predictor=d.faster_rcnn.FastRCNNPredictor(20, 3),
        mask_roi_pool=pools[1], mask_head=d.mask_rcnn.MaskRCNNHeads(16, (8,), 1),
        mask_predictor=d.mask_rcnn.MaskRCNNPredictor(8, 8, 3), rpn_batch_size_per_image=32, box_batch_size_per_image=24,
        box_score_thresh=0.3, box_detections_per_img=5,
    )  # fmt: skip


def retina(torch, vision):
    d = vision.models.detection
    return d.RetinaNet(
        backbone(torch, vision), 3, min_size=64, max_size=96, anchor_generator=anchors(d), score_thresh=0.02,
        detections_per_img=20,
    )  # fmt: skip


MODELS = {"faster": faster, "mask": mask, "retina": retina}


def numbers(t):
    return np.asarray(t.detach().numpy()).astype("float64").round(6).tolist()


def observe(torch, vision, name):
    torch.manual_seed(0)
    model = MODELS[name](torch, vision)
    # Codes and scores that differ from anchor to anchor, so that the choices are far from ties.
    with torch.no_grad():
        for key, p in model.named_parameters():
            if key.startswith("head.") and key.endswith("weight"):
                p.mul_(10)
            elif key.endswith(("bbox_pred.weight", "cls_logits.weight", "cls_score.weight")):
                p.mul_(5)
    losses = model(images(torch), targets(torch))
    sum(losses.values()).backward()
    norms = {k: numbers(p.grad.norm()) for k, p in model.named_parameters()}
    found = {"losses": {k: numbers(v) for k, v in losses.items()}, "norms": norms, "next": torch.rand(1).item()}
    model.eval()
    with torch.no_grad():
        results = model(images(torch))
    found["found"] = [
        {k: numbers(v.sum((1, 2, 3)) if k == "masks" else v) for k, v in each.items()} for each in results
    ]
    return found


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    import torch
    import torchvision_operators  # noqa: F401

    # isort: split
    import torchvision

    found = {name: observe(torch, torchvision, name) for name in MODELS}
    (DATA / "vision_detection.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
