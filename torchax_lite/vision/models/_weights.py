"""The published weights of torchvision: where they lie, what preprocessing they expect, and figures about them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from . import _meta
from ._api import Weights, WeightsEnum

BASE = "https://download.pytorch.org/models/"


def _classification(crop: str, resize: str, interpolation: str = "bilinear", norm: str = "") -> Callable[..., Any]:
    """Resize the shorter side, crop the middle, normalise with the mean and deviation of ImageNet."""
    options: dict[str, Any] = {"crop_size": int(crop), "resize_size": int(resize)}
    if norm == "half":
        options |= {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
    elif norm == "caffe":
        options |= {"mean": (0.48235, 0.45882, 0.40784), "std": (1.0 / 255.0,) * 3}
    return partial(_preset, "ImageClassification", interpolation=interpolation, **options)


def _preset(kind: str, interpolation: str | None = None, **options: Any) -> Any:
    """A preprocessing of ``torchvision.transforms``."""
    from ..transforms import InterpolationMode, _presets

    if interpolation is not None:
        options["interpolation"] = InterpolationMode(interpolation)
    return getattr(_presets, kind)(**options)


def _transforms(code: str) -> Callable[..., Any]:
    kind, *rest = code.split(":")
    if kind == "c":
        return _classification(*rest)
    if kind == "v":
        crop, resize = (tuple(map(int, size.split("x"))) for size in rest)
        return partial(_preset, "VideoClassification", crop_size=crop, resize_size=resize)
    return (
        partial(_preset, "ObjectDetection")
        if kind == "d"
        else partial(_preset, "SemanticSegmentation", resize_size=int(rest[0]))
    )


def _metrics(text: str) -> dict[str, dict[str, float]]:
    """``name:key=value,key=value;…`` as a dict of dicts."""
    found = {}
    for part in text.split(";"):
        name, _, values = part.partition(":")
        found[name] = {k: float(v) for k, v in (pair.split("=") for pair in values.split(","))}
    return found


def _facts(
    enum: str, code: str, min_size: str, params: str, ops: str, size: str, metrics: str, member: str
) -> dict[str, Any]:
    categories: list[str] | None = {"c": _meta.IMAGENET, "d": _meta.COCO, "s": _meta.VOC, "v": _meta.KINETICS400}[
        code[0]
    ]
    meta: dict[str, Any] = {"num_params": int(params)}
    if min_size != "-":
        height, width = min_size.split("x")
        meta["min_size"] = (int(height), int(width))
    if enum == "S3D_Weights":
        meta["min_temporal_size"] = 14
    if enum.startswith("KeypointRCNN"):
        categories = _meta.COCO_PERSON
        meta["keypoint_names"] = _meta.COCO_KEYPOINTS
    elif member == "IMAGENET1K_FEATURES":
        categories = None
    return meta | {
        "categories": categories,
        "_metrics": _metrics(metrics),
        "_ops": float(ops),
        "_file_size": float(size),
    }


@cache
def _members() -> dict[str, dict[str, Weights]]:
    """Enum -> member -> weights; the default member appears a second time as ``DEFAULT``."""
    found: dict[str, dict[str, Weights]] = {}
    for row in TABLE.strip().splitlines():
        name, file, code, *facts = row.split()
        enum, member = name.lstrip("*").split(".")
        made = Weights(BASE + file, _transforms(code), _facts(enum, code, *facts, member))
        found.setdefault(enum, {})[member] = made
        if name.startswith("*"):
            found[enum]["DEFAULT"] = made
    return found


def weights_enum(name: str, module: str) -> type[WeightsEnum]:
    """The class of the published weights of a model."""
    members = _members()[name]
    ordered = {k: v for k, v in members.items() if k != "DEFAULT"} | {"DEFAULT": members["DEFAULT"]}
    return WeightsEnum(name, ordered, module=module)  # type: ignore[return-value]


#: One line for each: name (a star at the default), file, preprocessing, smallest image, parameters, GFLOPs, MB, metrics.
TABLE = """
*AlexNet_Weights.IMAGENET1K_V1 alexnet-owt-7be5be79.pth c:224:256 63x63 61100840 0.714 233.087 ImageNet-1K:acc@1=56.522,acc@5=79.066
*ConvNeXt_Tiny_Weights.IMAGENET1K_V1 convnext_tiny-983f1562.pth c:224:236 32x32 28589128 4.456 109.119 ImageNet-1K:acc@1=82.52,acc@5=96.146
*ConvNeXt_Small_Weights.IMAGENET1K_V1 convnext_small-0c510722.pth c:224:230 32x32 50223688 8.684 191.703 ImageNet-1K:acc@1=83.616,acc@5=96.65
*ConvNeXt_Base_Weights.IMAGENET1K_V1 convnext_base-6075fbad.pth c:224:232 32x32 88591464 15.355 338.064 ImageNet-1K:acc@1=84.062,acc@5=96.87
*ConvNeXt_Large_Weights.IMAGENET1K_V1 convnext_large-ea097f82.pth c:224:232 32x32 197767336 34.361 754.537 ImageNet-1K:acc@1=84.414,acc@5=96.976
*DenseNet121_Weights.IMAGENET1K_V1 densenet121-a639ec97.pth c:224:256 29x29 7978856 2.834 30.845 ImageNet-1K:acc@1=74.434,acc@5=91.972
*DenseNet161_Weights.IMAGENET1K_V1 densenet161-8d451a50.pth c:224:256 29x29 28681000 7.728 110.369 ImageNet-1K:acc@1=77.138,acc@5=93.56
*DenseNet169_Weights.IMAGENET1K_V1 densenet169-b2777c0a.pth c:224:256 29x29 14149480 3.36 54.708 ImageNet-1K:acc@1=75.6,acc@5=92.806
*DenseNet201_Weights.IMAGENET1K_V1 densenet201-c1103571.pth c:224:256 29x29 20013928 4.291 77.373 ImageNet-1K:acc@1=76.896,acc@5=93.37
*EfficientNet_B0_Weights.IMAGENET1K_V1 efficientnet_b0_rwightman-7f5810bc.pth c:224:256:bicubic 1x1 5288548 0.386 20.451 ImageNet-1K:acc@1=77.692,acc@5=93.532
EfficientNet_B1_Weights.IMAGENET1K_V1 efficientnet_b1_rwightman-bac287d4.pth c:240:256:bicubic 1x1 7794184 0.687 30.134 ImageNet-1K:acc@1=78.642,acc@5=94.186
*EfficientNet_B1_Weights.IMAGENET1K_V2 efficientnet_b1-c27df63c.pth c:240:255:bilinear 1x1 7794184 0.687 30.136 ImageNet-1K:acc@1=79.838,acc@5=94.934
*EfficientNet_B2_Weights.IMAGENET1K_V1 efficientnet_b2_rwightman-c35c1473.pth c:288:288:bicubic 1x1 9109994 1.088 35.174 ImageNet-1K:acc@1=80.608,acc@5=95.31
*EfficientNet_B3_Weights.IMAGENET1K_V1 efficientnet_b3_rwightman-b3899882.pth c:300:320:bicubic 1x1 12233232 1.827 47.184 ImageNet-1K:acc@1=82.008,acc@5=96.054
*EfficientNet_B4_Weights.IMAGENET1K_V1 efficientnet_b4_rwightman-23ab8bcd.pth c:380:384:bicubic 1x1 19341616 4.394 74.489 ImageNet-1K:acc@1=83.384,acc@5=96.594
*EfficientNet_B5_Weights.IMAGENET1K_V1 efficientnet_b5_lukemelas-1a07897c.pth c:456:456:bicubic 1x1 30389784 10.266 116.864 ImageNet-1K:acc@1=83.444,acc@5=96.628
*EfficientNet_B6_Weights.IMAGENET1K_V1 efficientnet_b6_lukemelas-24a108a5.pth c:528:528:bicubic 1x1 43040704 19.068 165.362 ImageNet-1K:acc@1=84.008,acc@5=96.916
*EfficientNet_B7_Weights.IMAGENET1K_V1 efficientnet_b7_lukemelas-c5b4e57e.pth c:600:600:bicubic 1x1 66347960 37.746 254.675 ImageNet-1K:acc@1=84.122,acc@5=96.908
*EfficientNet_V2_S_Weights.IMAGENET1K_V1 efficientnet_v2_s-dd5fe13b.pth c:384:384:bilinear 33x33 21458488 8.366 82.704 ImageNet-1K:acc@1=84.228,acc@5=96.878
*EfficientNet_V2_M_Weights.IMAGENET1K_V1 efficientnet_v2_m-dc08266a.pth c:480:480:bilinear 33x33 54139356 24.582 208.01 ImageNet-1K:acc@1=85.112,acc@5=97.156
*EfficientNet_V2_L_Weights.IMAGENET1K_V1 efficientnet_v2_l-59c71312.pth c:480:480:bicubic:half 33x33 118515272 56.08 454.573 ImageNet-1K:acc@1=85.808,acc@5=97.788
*GoogLeNet_Weights.IMAGENET1K_V1 googlenet-1378be20.pth c:224:256 15x15 6624904 1.498 49.731 ImageNet-1K:acc@1=69.778,acc@5=89.53
*Inception_V3_Weights.IMAGENET1K_V1 inception_v3_google-0cc3c7bd.pth c:299:342 75x75 27161264 5.713 103.903 ImageNet-1K:acc@1=77.294,acc@5=93.45
*MNASNet0_5_Weights.IMAGENET1K_V1 mnasnet0.5_top1_67.823-3ffadce67e.pth c:224:256 1x1 2218512 0.104 8.591 ImageNet-1K:acc@1=67.734,acc@5=87.49
*MNASNet0_75_Weights.IMAGENET1K_V1 mnasnet0_75-7090bc5f.pth c:224:232 1x1 3170208 0.215 12.303 ImageNet-1K:acc@1=71.18,acc@5=90.496
*MNASNet1_0_Weights.IMAGENET1K_V1 mnasnet1.0_top1_73.512-f206786ef8.pth c:224:256 1x1 4383312 0.314 16.915 ImageNet-1K:acc@1=73.456,acc@5=91.51
*MNASNet1_3_Weights.IMAGENET1K_V1 mnasnet1_3-a4c69d6f.pth c:224:232 1x1 6282256 0.526 24.246 ImageNet-1K:acc@1=76.506,acc@5=93.522
MobileNet_V2_Weights.IMAGENET1K_V1 mobilenet_v2-b0353104.pth c:224:256 1x1 3504872 0.301 13.555 ImageNet-1K:acc@1=71.878,acc@5=90.286
*MobileNet_V2_Weights.IMAGENET1K_V2 mobilenet_v2-7ebf99e0.pth c:224:232 1x1 3504872 0.301 13.598 ImageNet-1K:acc@1=72.154,acc@5=90.822
MobileNet_V3_Large_Weights.IMAGENET1K_V1 mobilenet_v3_large-8738ca79.pth c:224:256 1x1 5483032 0.217 21.114 ImageNet-1K:acc@1=74.042,acc@5=91.34
*MobileNet_V3_Large_Weights.IMAGENET1K_V2 mobilenet_v3_large-5c1a4163.pth c:224:232 1x1 5483032 0.217 21.107 ImageNet-1K:acc@1=75.274,acc@5=92.566
*MobileNet_V3_Small_Weights.IMAGENET1K_V1 mobilenet_v3_small-047dcff4.pth c:224:256 1x1 2542856 0.057 9.829 ImageNet-1K:acc@1=67.668,acc@5=87.402
RegNet_Y_400MF_Weights.IMAGENET1K_V1 regnet_y_400mf-c65dace8.pth c:224:256 1x1 4344144 0.402 16.806 ImageNet-1K:acc@1=74.046,acc@5=91.716
*RegNet_Y_400MF_Weights.IMAGENET1K_V2 regnet_y_400mf-e6988f5f.pth c:224:232 1x1 4344144 0.402 16.806 ImageNet-1K:acc@1=75.804,acc@5=92.742
RegNet_Y_800MF_Weights.IMAGENET1K_V1 regnet_y_800mf-1b27b58c.pth c:224:256 1x1 6432512 0.834 24.774 ImageNet-1K:acc@1=76.42,acc@5=93.136
*RegNet_Y_800MF_Weights.IMAGENET1K_V2 regnet_y_800mf-58fc7688.pth c:224:232 1x1 6432512 0.834 24.774 ImageNet-1K:acc@1=78.828,acc@5=94.502
RegNet_Y_1_6GF_Weights.IMAGENET1K_V1 regnet_y_1_6gf-b11a554e.pth c:224:256 1x1 11202430 1.612 43.152 ImageNet-1K:acc@1=77.95,acc@5=93.966
*RegNet_Y_1_6GF_Weights.IMAGENET1K_V2 regnet_y_1_6gf-0d7bc02a.pth c:224:232 1x1 11202430 1.612 43.152 ImageNet-1K:acc@1=80.876,acc@5=95.444
RegNet_Y_3_2GF_Weights.IMAGENET1K_V1 regnet_y_3_2gf-b5a9779c.pth c:224:256 1x1 19436338 3.176 74.567 ImageNet-1K:acc@1=78.948,acc@5=94.576
*RegNet_Y_3_2GF_Weights.IMAGENET1K_V2 regnet_y_3_2gf-9180c971.pth c:224:232 1x1 19436338 3.176 74.567 ImageNet-1K:acc@1=81.982,acc@5=95.972
RegNet_Y_8GF_Weights.IMAGENET1K_V1 regnet_y_8gf-d0d0e4a8.pth c:224:256 1x1 39381472 8.473 150.701 ImageNet-1K:acc@1=80.032,acc@5=95.048
*RegNet_Y_8GF_Weights.IMAGENET1K_V2 regnet_y_8gf-dc2b1b54.pth c:224:232 1x1 39381472 8.473 150.701 ImageNet-1K:acc@1=82.828,acc@5=96.33
RegNet_Y_16GF_Weights.IMAGENET1K_V1 regnet_y_16gf-9e6ed7dd.pth c:224:256 1x1 83590140 15.912 319.49 ImageNet-1K:acc@1=80.424,acc@5=95.24
*RegNet_Y_16GF_Weights.IMAGENET1K_V2 regnet_y_16gf-3e4a00f9.pth c:224:232 1x1 83590140 15.912 319.49 ImageNet-1K:acc@1=82.886,acc@5=96.328
RegNet_Y_16GF_Weights.IMAGENET1K_SWAG_E2E_V1 regnet_y_16gf_swag-43afe44d.pth c:384:384:bicubic 1x1 83590140 46.735 319.49 ImageNet-1K:acc@1=86.012,acc@5=98.054
RegNet_Y_16GF_Weights.IMAGENET1K_SWAG_LINEAR_V1 regnet_y_16gf_lc_swag-f3ec0043.pth c:224:224:bicubic 1x1 83590140 15.912 319.49 ImageNet-1K:acc@1=83.976,acc@5=97.244
RegNet_Y_32GF_Weights.IMAGENET1K_V1 regnet_y_32gf-4dee3f7a.pth c:224:256 1x1 145046770 32.28 554.076 ImageNet-1K:acc@1=80.878,acc@5=95.34
*RegNet_Y_32GF_Weights.IMAGENET1K_V2 regnet_y_32gf-8db6d4b5.pth c:224:232 1x1 145046770 32.28 554.076 ImageNet-1K:acc@1=83.368,acc@5=96.498
RegNet_Y_32GF_Weights.IMAGENET1K_SWAG_E2E_V1 regnet_y_32gf_swag-04fdfa75.pth c:384:384:bicubic 1x1 145046770 94.826 554.076 ImageNet-1K:acc@1=86.838,acc@5=98.362
RegNet_Y_32GF_Weights.IMAGENET1K_SWAG_LINEAR_V1 regnet_y_32gf_lc_swag-e1583746.pth c:224:224:bicubic 1x1 145046770 32.28 554.076 ImageNet-1K:acc@1=84.622,acc@5=97.48
*RegNet_Y_128GF_Weights.IMAGENET1K_SWAG_E2E_V1 regnet_y_128gf_swag-c8ce3e52.pth c:384:384:bicubic 1x1 644812894 374.57 2461.564 ImageNet-1K:acc@1=88.228,acc@5=98.682
RegNet_Y_128GF_Weights.IMAGENET1K_SWAG_LINEAR_V1 regnet_y_128gf_lc_swag-cbe8ce12.pth c:224:224:bicubic 1x1 644812894 127.518 2461.564 ImageNet-1K:acc@1=86.068,acc@5=97.844
RegNet_X_400MF_Weights.IMAGENET1K_V1 regnet_x_400mf-adf1edd5.pth c:224:256 1x1 5495976 0.414 21.258 ImageNet-1K:acc@1=72.834,acc@5=90.95
*RegNet_X_400MF_Weights.IMAGENET1K_V2 regnet_x_400mf-62229a5f.pth c:224:232 1x1 5495976 0.414 21.257 ImageNet-1K:acc@1=74.864,acc@5=92.322
RegNet_X_800MF_Weights.IMAGENET1K_V1 regnet_x_800mf-ad17e45c.pth c:224:256 1x1 7259656 0.8 27.945 ImageNet-1K:acc@1=75.212,acc@5=92.348
*RegNet_X_800MF_Weights.IMAGENET1K_V2 regnet_x_800mf-94a99ebd.pth c:224:232 1x1 7259656 0.8 27.945 ImageNet-1K:acc@1=77.522,acc@5=93.826
RegNet_X_1_6GF_Weights.IMAGENET1K_V1 regnet_x_1_6gf-e3633e7f.pth c:224:256 1x1 9190136 1.603 35.339 ImageNet-1K:acc@1=77.04,acc@5=93.44
*RegNet_X_1_6GF_Weights.IMAGENET1K_V2 regnet_x_1_6gf-a12f2b72.pth c:224:232 1x1 9190136 1.603 35.339 ImageNet-1K:acc@1=79.668,acc@5=94.922
RegNet_X_3_2GF_Weights.IMAGENET1K_V1 regnet_x_3_2gf-f342aeae.pth c:224:256 1x1 15296552 3.177 58.756 ImageNet-1K:acc@1=78.364,acc@5=93.992
*RegNet_X_3_2GF_Weights.IMAGENET1K_V2 regnet_x_3_2gf-7071aa85.pth c:224:232 1x1 15296552 3.177 58.756 ImageNet-1K:acc@1=81.196,acc@5=95.43
RegNet_X_8GF_Weights.IMAGENET1K_V1 regnet_x_8gf-03ceed89.pth c:224:256 1x1 39572648 7.995 151.456 ImageNet-1K:acc@1=79.344,acc@5=94.686
*RegNet_X_8GF_Weights.IMAGENET1K_V2 regnet_x_8gf-2b70d774.pth c:224:232 1x1 39572648 7.995 151.456 ImageNet-1K:acc@1=81.682,acc@5=95.678
RegNet_X_16GF_Weights.IMAGENET1K_V1 regnet_x_16gf-2007eb11.pth c:224:256 1x1 54278536 15.941 207.627 ImageNet-1K:acc@1=80.058,acc@5=94.944
*RegNet_X_16GF_Weights.IMAGENET1K_V2 regnet_x_16gf-ba3796d7.pth c:224:232 1x1 54278536 15.941 207.627 ImageNet-1K:acc@1=82.716,acc@5=96.196
RegNet_X_32GF_Weights.IMAGENET1K_V1 regnet_x_32gf-9d47f8d0.pth c:224:256 1x1 107811560 31.736 412.039 ImageNet-1K:acc@1=80.622,acc@5=95.248
*RegNet_X_32GF_Weights.IMAGENET1K_V2 regnet_x_32gf-6eb8fdc6.pth c:224:232 1x1 107811560 31.736 412.039 ImageNet-1K:acc@1=83.014,acc@5=96.288
*ResNet18_Weights.IMAGENET1K_V1 resnet18-f37072fd.pth c:224:256 1x1 11689512 1.814 44.661 ImageNet-1K:acc@1=69.758,acc@5=89.078
*ResNet34_Weights.IMAGENET1K_V1 resnet34-b627a593.pth c:224:256 1x1 21797672 3.664 83.275 ImageNet-1K:acc@1=73.314,acc@5=91.42
ResNet50_Weights.IMAGENET1K_V1 resnet50-0676ba61.pth c:224:256 1x1 25557032 4.089 97.781 ImageNet-1K:acc@1=76.13,acc@5=92.862
*ResNet50_Weights.IMAGENET1K_V2 resnet50-11ad3fa6.pth c:224:232 1x1 25557032 4.089 97.79 ImageNet-1K:acc@1=80.858,acc@5=95.434
ResNet101_Weights.IMAGENET1K_V1 resnet101-63fe2227.pth c:224:256 1x1 44549160 7.801 170.511 ImageNet-1K:acc@1=77.374,acc@5=93.546
*ResNet101_Weights.IMAGENET1K_V2 resnet101-cd907fc2.pth c:224:232 1x1 44549160 7.801 170.53 ImageNet-1K:acc@1=81.886,acc@5=95.78
ResNet152_Weights.IMAGENET1K_V1 resnet152-394f9c45.pth c:224:256 1x1 60192808 11.514 230.434 ImageNet-1K:acc@1=78.312,acc@5=94.046
*ResNet152_Weights.IMAGENET1K_V2 resnet152-f82ba261.pth c:224:232 1x1 60192808 11.514 230.474 ImageNet-1K:acc@1=82.284,acc@5=96.002
ResNeXt50_32X4D_Weights.IMAGENET1K_V1 resnext50_32x4d-7cdf4587.pth c:224:256 1x1 25028904 4.23 95.789 ImageNet-1K:acc@1=77.618,acc@5=93.698
*ResNeXt50_32X4D_Weights.IMAGENET1K_V2 resnext50_32x4d-1a0047aa.pth c:224:232 1x1 25028904 4.23 95.833 ImageNet-1K:acc@1=81.198,acc@5=95.34
ResNeXt101_32X8D_Weights.IMAGENET1K_V1 resnext101_32x8d-8ba56ff5.pth c:224:256 1x1 88791336 16.414 339.586 ImageNet-1K:acc@1=79.312,acc@5=94.526
*ResNeXt101_32X8D_Weights.IMAGENET1K_V2 resnext101_32x8d-110c445d.pth c:224:232 1x1 88791336 16.414 339.673 ImageNet-1K:acc@1=82.834,acc@5=96.228
*ResNeXt101_64X4D_Weights.IMAGENET1K_V1 resnext101_64x4d-173b62eb.pth c:224:232 1x1 83455272 15.46 319.318 ImageNet-1K:acc@1=83.246,acc@5=96.454
Wide_ResNet50_2_Weights.IMAGENET1K_V1 wide_resnet50_2-95faca4d.pth c:224:256 1x1 68883240 11.398 131.82 ImageNet-1K:acc@1=78.468,acc@5=94.086
*Wide_ResNet50_2_Weights.IMAGENET1K_V2 wide_resnet50_2-9ba9bcbe.pth c:224:232 1x1 68883240 11.398 263.124 ImageNet-1K:acc@1=81.602,acc@5=95.758
Wide_ResNet101_2_Weights.IMAGENET1K_V1 wide_resnet101_2-32ee1156.pth c:224:256 1x1 126886696 22.753 242.896 ImageNet-1K:acc@1=78.848,acc@5=94.284
*Wide_ResNet101_2_Weights.IMAGENET1K_V2 wide_resnet101_2-d733dc28.pth c:224:232 1x1 126886696 22.753 484.747 ImageNet-1K:acc@1=82.51,acc@5=96.02
*ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1 shufflenetv2_x0.5-f707e7126e.pth c:224:256 1x1 1366792 0.04 5.282 ImageNet-1K:acc@1=60.552,acc@5=81.746
*ShuffleNet_V2_X1_0_Weights.IMAGENET1K_V1 shufflenetv2_x1-5666bf0f80.pth c:224:256 1x1 2278604 0.145 8.791 ImageNet-1K:acc@1=69.362,acc@5=88.316
*ShuffleNet_V2_X1_5_Weights.IMAGENET1K_V1 shufflenetv2_x1_5-3c479a10.pth c:224:232 1x1 3503624 0.296 13.557 ImageNet-1K:acc@1=72.996,acc@5=91.086
*ShuffleNet_V2_X2_0_Weights.IMAGENET1K_V1 shufflenetv2_x2_0-8be3c8ee.pth c:224:232 1x1 7393996 0.583 28.433 ImageNet-1K:acc@1=76.23,acc@5=93.006
*SqueezeNet1_0_Weights.IMAGENET1K_V1 squeezenet1_0-b66bff10.pth c:224:256 21x21 1248424 0.819 4.778 ImageNet-1K:acc@1=58.092,acc@5=80.42
*SqueezeNet1_1_Weights.IMAGENET1K_V1 squeezenet1_1-b8a52dc0.pth c:224:256 17x17 1235496 0.349 4.729 ImageNet-1K:acc@1=58.178,acc@5=80.624
*VGG11_Weights.IMAGENET1K_V1 vgg11-8a719046.pth c:224:256 32x32 132863336 7.609 506.84 ImageNet-1K:acc@1=69.02,acc@5=88.628
*VGG11_BN_Weights.IMAGENET1K_V1 vgg11_bn-6002323d.pth c:224:256 32x32 132868840 7.609 506.881 ImageNet-1K:acc@1=70.37,acc@5=89.81
*VGG13_Weights.IMAGENET1K_V1 vgg13-19584684.pth c:224:256 32x32 133047848 11.308 507.545 ImageNet-1K:acc@1=69.928,acc@5=89.246
*VGG13_BN_Weights.IMAGENET1K_V1 vgg13_bn-abd245e5.pth c:224:256 32x32 133053736 11.308 507.59 ImageNet-1K:acc@1=71.586,acc@5=90.374
*VGG16_Weights.IMAGENET1K_V1 vgg16-397923af.pth c:224:256 32x32 138357544 15.47 527.796 ImageNet-1K:acc@1=71.592,acc@5=90.382
VGG16_Weights.IMAGENET1K_FEATURES vgg16_features-amdegroot-88682ab5.pth c:224:256:bilinear:caffe 32x32 138357544 15.47 527.802 ImageNet-1K:acc@1=nan,acc@5=nan
*VGG16_BN_Weights.IMAGENET1K_V1 vgg16_bn-6c64b313.pth c:224:256 32x32 138365992 15.47 527.866 ImageNet-1K:acc@1=73.36,acc@5=91.516
*VGG19_Weights.IMAGENET1K_V1 vgg19-dcbb9e9d.pth c:224:256 32x32 143667240 19.632 548.051 ImageNet-1K:acc@1=72.376,acc@5=90.876
*VGG19_BN_Weights.IMAGENET1K_V1 vgg19_bn-c79401a0.pth c:224:256 32x32 143678248 19.632 548.143 ImageNet-1K:acc@1=74.218,acc@5=91.842
*ViT_B_16_Weights.IMAGENET1K_V1 vit_b_16-c867db91.pth c:224:256 224x224 86567656 17.564 330.285 ImageNet-1K:acc@1=81.072,acc@5=95.318
ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1 vit_b_16_swag-9ac1b537.pth c:384:384:bicubic 384x384 86859496 55.484 331.398 ImageNet-1K:acc@1=85.304,acc@5=97.65
ViT_B_16_Weights.IMAGENET1K_SWAG_LINEAR_V1 vit_b_16_lc_swag-4e70ced5.pth c:224:224:bicubic 224x224 86567656 17.564 330.285 ImageNet-1K:acc@1=81.886,acc@5=96.18
*ViT_B_32_Weights.IMAGENET1K_V1 vit_b_32-d86f8d99.pth c:224:256 224x224 88224232 4.409 336.604 ImageNet-1K:acc@1=75.912,acc@5=92.466
*ViT_L_16_Weights.IMAGENET1K_V1 vit_l_16-852ce7e3.pth c:224:242 224x224 304326632 61.555 1161.023 ImageNet-1K:acc@1=79.662,acc@5=94.638
ViT_L_16_Weights.IMAGENET1K_SWAG_E2E_V1 vit_l_16_swag-4f3808c9.pth c:512:512:bicubic 512x512 305174504 361.986 1164.258 ImageNet-1K:acc@1=88.064,acc@5=98.512
ViT_L_16_Weights.IMAGENET1K_SWAG_LINEAR_V1 vit_l_16_lc_swag-4d563306.pth c:224:224:bicubic 224x224 304326632 61.555 1161.023 ImageNet-1K:acc@1=85.146,acc@5=97.422
*ViT_L_32_Weights.IMAGENET1K_V1 vit_l_32-c7638314.pth c:224:256 224x224 306535400 15.378 1169.449 ImageNet-1K:acc@1=76.972,acc@5=93.07
*ViT_H_14_Weights.IMAGENET1K_SWAG_E2E_V1 vit_h_14_swag-80465313.pth c:518:518:bicubic 518x518 633470440 1016.717 2416.643 ImageNet-1K:acc@1=88.552,acc@5=98.694
ViT_H_14_Weights.IMAGENET1K_SWAG_LINEAR_V1 vit_h_14_lc_swag-c1eb923e.pth c:224:224:bicubic 224x224 632045800 167.295 2411.209 ImageNet-1K:acc@1=85.708,acc@5=97.73
*Swin_T_Weights.IMAGENET1K_V1 swin_t-704ceda3.pth c:224:232:bicubic 224x224 28288354 4.491 108.19 ImageNet-1K:acc@1=81.474,acc@5=95.776
*Swin_S_Weights.IMAGENET1K_V1 swin_s-5e29d889.pth c:224:246:bicubic 224x224 49606258 8.741 189.786 ImageNet-1K:acc@1=83.196,acc@5=96.36
*Swin_B_Weights.IMAGENET1K_V1 swin_b-68c6b09e.pth c:224:238:bicubic 224x224 87768224 15.431 335.364 ImageNet-1K:acc@1=83.582,acc@5=96.64
*Swin_V2_T_Weights.IMAGENET1K_V1 swin_v2_t-b137f0e2.pth c:256:260:bicubic 256x256 28351570 5.94 108.626 ImageNet-1K:acc@1=82.072,acc@5=96.132
*Swin_V2_S_Weights.IMAGENET1K_V1 swin_v2_s-637d8ceb.pth c:256:260:bicubic 256x256 49737442 11.546 190.675 ImageNet-1K:acc@1=83.712,acc@5=96.816
*Swin_V2_B_Weights.IMAGENET1K_V1 swin_v2_b-781e5279.pth c:256:272:bicubic 256x256 87930848 20.325 336.372 ImageNet-1K:acc@1=84.112,acc@5=96.864
*MaxVit_T_Weights.IMAGENET1K_V1 maxvit_t-bc5ab103.pth c:224:224:bicubic 224x224 30919624 5.558 118.769 ImageNet-1K:acc@1=83.7,acc@5=96.722
*FasterRCNN_ResNet50_FPN_Weights.COCO_V1 fasterrcnn_resnet50_fpn_coco-258fb6c6.pth d 1x1 41755286 134.38 159.743 COCO-val2017:box_map=37.0
*FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1 fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth d 1x1 43712278 280.371 167.104 COCO-val2017:box_map=46.7
*FasterRCNN_MobileNet_V3_Large_FPN_Weights.COCO_V1 fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth d 1x1 19386354 4.494 74.239 COCO-val2017:box_map=32.8
*FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1 fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth d 1x1 19386354 0.719 74.239 COCO-val2017:box_map=22.8
*FCOS_ResNet50_FPN_Weights.COCO_V1 fcos_resnet50_fpn_coco-99b0c9b7.pth d 1x1 32269600 128.207 123.608 COCO-val2017:box_map=39.2
KeypointRCNN_ResNet50_FPN_Weights.COCO_LEGACY keypointrcnn_resnet50_fpn_coco-9f466800.pth d 1x1 59137258 133.924 226.054 COCO-val2017:box_map=50.6,kp_map=61.1
*KeypointRCNN_ResNet50_FPN_Weights.COCO_V1 keypointrcnn_resnet50_fpn_coco-fc266e95.pth d 1x1 59137258 137.42 226.054 COCO-val2017:box_map=54.6,kp_map=65.0
*MaskRCNN_ResNet50_FPN_Weights.COCO_V1 maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth d 1x1 44401393 134.38 169.84 COCO-val2017:box_map=37.9,mask_map=34.6
*MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1 maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth d 1x1 46359409 333.577 177.219 COCO-val2017:box_map=47.4,mask_map=41.8
*RetinaNet_ResNet50_FPN_Weights.COCO_V1 retinanet_resnet50_fpn_coco-eeacb38b.pth d 1x1 34014999 151.54 130.267 COCO-val2017:box_map=36.4
*RetinaNet_ResNet50_FPN_V2_Weights.COCO_V1 retinanet_resnet50_fpn_v2_coco-5905b1c5.pth d 1x1 38198935 152.238 146.037 COCO-val2017:box_map=41.5
*SSD300_VGG16_Weights.COCO_V1 ssd300_vgg16_coco-b556d3b4.pth d 1x1 35641826 34.858 135.988 COCO-val2017:box_map=25.1
*SSDLite320_MobileNet_V3_Large_Weights.COCO_V1 ssdlite320_mobilenet_v3_large_coco-a79551df.pth d 1x1 3440060 0.583 13.418 COCO-val2017:box_map=21.3
*DeepLabV3_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1 deeplabv3_resnet50_coco-cd0a2569.pth s:520 1x1 42004074 178.722 160.515 COCO-val2017-VOC-labels:miou=66.4,pixel_acc=92.4
*DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1 deeplabv3_resnet101_coco-586e9e4e.pth s:520 1x1 60996202 258.743 233.217 COCO-val2017-VOC-labels:miou=67.4,pixel_acc=92.4
*DeepLabV3_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1 deeplabv3_mobilenet_v3_large-fc3c493d.pth s:520 1x1 11029328 10.452 42.301 COCO-val2017-VOC-labels:miou=60.3,pixel_acc=91.2
*FCN_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1 fcn_resnet50_coco-1167a1af.pth s:520 1x1 35322218 152.717 135.009 COCO-val2017-VOC-labels:miou=60.5,pixel_acc=91.4
*FCN_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1 fcn_resnet101_coco-7ecb50ca.pth s:520 1x1 54314346 232.738 207.711 COCO-val2017-VOC-labels:miou=63.7,pixel_acc=91.9
*LRASPP_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1 lraspp_mobilenet_v3_large-d234d4ea.pth s:520 1x1 3221538 2.086 12.49 COCO-val2017-VOC-labels:miou=57.9,pixel_acc=91.2
*R3D_18_Weights.KINETICS400_V1 r3d_18-b3b3357e.pth v:112x112:128x171 1x1 33371472 40.697 127.359 Kinetics-400:acc@1=63.2,acc@5=83.479
*MC3_18_Weights.KINETICS400_V1 mc3_18-a90a0ba3.pth v:112x112:128x171 1x1 11695440 43.343 44.672 Kinetics-400:acc@1=63.96,acc@5=84.13
*R2Plus1D_18_Weights.KINETICS400_V1 r2plus1d_18-91a641e6.pth v:112x112:128x171 1x1 31505325 40.519 120.318 Kinetics-400:acc@1=67.463,acc@5=86.175
*S3D_Weights.KINETICS400_V1 s3d-d76dad2f.pth v:224x224:256x256 224x224 8320048 17.979 31.972 Kinetics-400:acc@1=68.368,acc@5=88.05
"""
