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


def backbone(torch, vision, width=16):
    """Two small maps through a feature pyramid, and a third."""
    nn = torch.nn

    def stage(width, out):
        return nn.Sequential(nn.Conv2d(width, out, 3, stride=4, padding=1), nn.ReLU())

    body = nn.Sequential()
    body.add_module("first", stage(3, 8))
    body.add_module("second", stage(8, 16))
    from_utils = vision.models.detection.backbone_utils.BackboneWithFPN
    return from_utils(body, {"first": "0", "second": "1"}, [8, 16], width)


def images(torch):
    random = np.random.RandomState(0)
    return [torch.tensor(random.rand(3, h, w).astype("float32")) for h, w in ((60, 80), (72, 64))]


def targets(torch):
    random, places = np.random.RandomState(1), np.random.RandomState(2)
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
                "keypoints": torch.tensor(keypoints(places, boxes).astype("float32")),
            }
        )
    return found


def keypoints(random, boxes):
    """Four points (x, y, visible) in or near each box; one lies on a corner."""
    share = random.rand(len(boxes), 4, 2) * 1.2 - 0.1
    share[:, 0] = 1
    points = boxes[:, None, :2] + share * (boxes[:, None, 2:] - boxes[:, None, :2])
    return np.concatenate([points, random.randint(0, 3, (len(boxes), 4, 1))], -1)


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


def keypoint(torch, vision):
    d = vision.models.detection
    pools = [vision.ops.MultiScaleRoIAlign(["0", "1"], size, 2) for size in (3, 4)]
    return d.KeypointRCNN(
        backbone(torch, vision), None, min_size=64, max_size=96, rpn_anchor_generator=anchors(d), box_roi_pool=pools[0],
        box_head=d.faster_rcnn.TwoMLPHead(16 * 9, 20), box_predictor=d.faster_rcnn.FastRCNNPredictor(20, 3),
        keypoint_roi_pool=pools[1], keypoint_head=d.keypoint_rcnn.KeypointRCNNHeads(16, (8,)),
        keypoint_predictor=d.keypoint_rcnn.KeypointRCNNPredictor(8, 4), rpn_batch_size_per_image=32,
        box_batch_size_per_image=24, box_score_thresh=0.3, box_detections_per_img=5,
    )  # fmt: skip


def fcos(torch, vision):
    d = vision.models.detection
    places = d.anchor_utils.AnchorGenerator(((4,), (8,), (16,)), ((1.0,),) * 3)
    return d.FCOS(
        backbone(torch, vision, 32), 3, min_size=64, max_size=96, anchor_generator=places, score_thresh=0.08,
        detections_per_img=20,
    )  # fmt: skip


def ssd(torch, vision):
    d = vision.models.detection
    body = backbone(torch, vision)
    body.out_channels = [16] * 3
    boxes = d.anchor_utils.DefaultBoxGenerator([[2], [2, 3], [2]], min_ratio=0.2, max_ratio=0.8)
    return d.ssd.SSD(body, boxes, (64, 48), 3, score_thresh=0.3, detections_per_img=20)


MODELS = {"faster": faster, "mask": mask, "retina": retina, "keypoint": keypoint, "fcos": fcos, "ssd": ssd}


def numbers(t):
    return np.asarray(t.detach().numpy()).astype("float64").round(6).tolist()


def observe(torch, vision, name):
    torch.manual_seed(0)
    model = MODELS[name](torch, vision)
    # Codes and scores that differ from anchor to anchor, so that the choices are far from ties.
    with torch.no_grad():
        for key, p in model.named_parameters():
            if key.startswith("head.") and p.ndim > 1:
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
