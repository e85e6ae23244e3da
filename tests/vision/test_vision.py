"""``torchvision`` under the drop-in, where transforms are computed, what tensors remember, files, and loaders."""

from __future__ import annotations

import copy
import importlib
import importlib.metadata
import importlib.util
import io
import math
import pathlib
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

pytest.importorskip("PIL")

from PIL import Image

import torchax_lite as torch
from torchax_lite import vision
from torchax_lite.check import check_source
from torchax_lite.engine import observe
from torchax_lite.vision import io as vio
from torchax_lite.vision import tv_tensors, utils
from torchax_lite.vision.transforms import functional as F
from torchax_lite.vision.transforms import v2
from torchax_lite.vision.transforms.v2 import functional as F2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from vision_cases import Env, boxes, displacement, inputs, picture  # noqa: E402

ENV = Env(torch, vision)
ROOT = pathlib.Path(__file__).resolve().parents[2]


# ------------------------------------------------------------------------------------------------------------- drop-in


def test_torchvision_names_are_our_modules():
    with torch.installed():
        import torchvision
        import torchvision.transforms.v2.functional as functional
        from torchvision import transforms
        from torchvision.io import read_image

        assert torchvision is vision and functional is F2 and transforms is vision.transforms
        assert read_image is vio.read_image
        assert torchvision.transforms.v2 is v2
        assert torchvision.__version__ == importlib.metadata.version("torchvision") == "0.29.1+torchax.lite"
        assert importlib.util.find_spec("torchvision.transforms.v2") is not None
        assert importlib.util.find_spec("torchvision.nothing") is None
        with pytest.raises(ModuleNotFoundError, match="torchvision.nothing"):
            importlib.import_module("torchvision.nothing")
    assert "torchvision" not in sys.modules or sys.modules["torchvision"] is not vision


def test_the_checker_knows_torchvision():
    source = """
        from torchvision import transforms as T
        from torchvision.transforms import v2
        import torchvision.transforms.functional as TF
        T.Compose([T.ToTensor()]); v2.MixUp; TF.resize; T.NoSuchTransform
        from torchvision.io import read_video
    """
    found, _ = check_source(textwrap.dedent(source))
    assert [f.name.rpartition(".")[2] for f in found] == ["NoSuchTransform", "read_video"]


def test_importing_it_starts_neither_xla_nor_pillow():
    code = """
        import sys, torchax_lite; torchax_lite.install()
        import torchvision
        assert "PIL" not in sys.modules
        import numpy as np
        from torchvision import transforms as T
        image = np.zeros((40, 50, 3), np.uint8)
        steps = [T.ToPILImage(), T.RandomResizedCrop(8), T.ColorJitter(0.1, 0.1, 0.1, 0.1), T.RandomHorizontalFlip(),
                 T.RandomRotation(5), T.ToTensor(), T.RandomErasing(), T.Normalize([0.5], [0.5])]
        assert T.Compose(steps)(image).shape == (3, 8, 8)
        from jax._src import xla_bridge
        assert not xla_bridge.backends_are_initialized()
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert result.returncode == 0, result.stderr


def test_image_backend_is_remembered():
    assert vision.get_image_backend() == "PIL"
    with pytest.raises(ValueError, match="Invalid backend 'x'"):
        vision.set_image_backend("x")
    vision.set_image_backend("PIL")


# ------------------------------------------------------------------------------------------------- where it is computed


def test_images_of_ever_new_sizes_compile_nothing_and_leave_nothing_behind():
    from torchax_lite.ops.registry import OPS

    steps = [
        v2.ToImage(), v2.RandomRotation(10), v2.RandomPerspective(p=1.0), v2.GaussianBlur(3), v2.ElasticTransform(sigma=1),
        v2.RandomResizedCrop(9), v2.RandomHorizontalFlip(), v2.ColorJitter(0.2, 0.2, 0.2, 0.1), v2.RandomErasing(1.0),
        v2.RandomCrop(5, padding=2), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5], [0.5]),
    ]  # fmt: skip
    transform = v2.Compose(steps)

    def state():
        stats = observe.stats()
        return stats.executions, stats.compiles, sum(len(op.sites) for op in OPS.values())

    for n in range(20, 50):
        if n == 30:
            before = state()
        transform(picture(n, n + 3))
    assert state() == before


@pytest.mark.parametrize(
    "name, call",
    {
        "resize": lambda f, x: f.resize(x, [9, 12]),
        "resize plainly": lambda f, x: f.resize(x, [9, 12], antialias=False),
        "nearest": lambda f, x: f.resize(x, [9, 12], interpolation=ENV.modes.NEAREST),
        "pad": lambda f, x: f.pad(x, [1, 2, 3, 4], 3),
        "affine": lambda f, x: f.affine(x, 20, [1, 2], 1.2, [3, 3], interpolation=ENV.modes.BILINEAR, fill=[3.0]),
        "elastic": lambda f, x: f.elastic_transform(x, displacement(ENV)),
        "blur": lambda f, x: f.gaussian_blur(x, 5),
        "hue": lambda f, x: f.adjust_hue(x, 0.2),
        "contrast": lambda f, x: f.adjust_contrast(x, 1.7),
        "sharpness": lambda f, x: f.adjust_sharpness(x, 1.7),
        "erase": lambda f, x: f.erase(x, 2, 3, 4, 5, torch.zeros(3, 1, 1, dtype=x.dtype)),
    }.items(),
)
@pytest.mark.parametrize("which", ["u8", "f32"])
def test_an_accelerator_gives_what_the_host_gives(name, call, which):
    image = inputs(ENV, which)
    for family in (F, F2):
        here, there = call(family, image), call(family, image.to("xla"))
        assert there.device.type == "xla" and there.dtype == here.dtype
        limit = 1 if which == "u8" else 3e-5
        away = np.abs(there.cpu().numpy().astype(np.float64) - here.numpy())
        assert away.max() <= limit


def test_equalize_and_boxes_on_an_accelerator():
    image = inputs(ENV, "u8")
    assert torch.equal(F2.equalize(image.to("xla")).cpu(), F2.equalize(image))
    turned = boxes(ENV, "CXCYWHR")
    there = F2.rotate(turned.to("xla"), 30, expand=True)
    assert isinstance(there, tv_tensors.BoundingBoxes) and there.device.type == "xla"
    torch.testing.assert_close(
        there.cpu(), F2.rotate(turned, 30, expand=True).as_subclass(torch.Tensor), atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize(
    "call, share",
    [
        (lambda x: F2.resize(x, [9, 12]), 9 * 12 / (18 * 23)),
        (lambda x: F.normalize(x, [0.4] * 3, [0.2] * 3), 5.0),
        (lambda x: F2.adjust_brightness(x, 0.5), 0.5),
        (lambda x: F.hflip(x), 1.0),
        (lambda x: F.gaussian_blur(x, 3), 1.0),
        (lambda x: F2.crop(x, 0, 0, 9, 23), 0.5),
    ],
)
def test_gradients_flow_through_transforms(call, share):
    x = (inputs(ENV, "f32") * 0.5 + 0.2).requires_grad_()
    call(x).sum().backward()
    assert x.grad.mean().item() == pytest.approx(share, rel=1e-3)


def test_a_crop_is_a_view_and_a_flip_is_not():
    image = inputs(ENV, "u8")
    before = image.clone()
    F.crop(image, 1, 2, 3, 4).fill_(7)
    assert (image[:, 1:4, 2:6] == 7).all()
    F.hflip(image).fill_(9)
    F2.resize(image, list(image.shape[-2:])).add_(1)  # of the same size: the image itself
    assert torch.equal(image[:, 5:], before[:, 5:] + 1)


def test_normalize_writes_in_place_only_where_asked():
    image = inputs(ENV, "f32")
    kept = image.clone()
    F.normalize(image, [0.5], [0.5])
    assert torch.equal(image, kept)
    assert v2.Normalize([0.5] * 3, [0.5] * 3, inplace=True)(image) is image
    torch.testing.assert_close(image, (kept - 0.5) / 0.5)


def test_pending_values_may_be_transformed():
    image = inputs(ENV, "f32") * 2 - 1
    assert F.normalize(image, [0.5], [0.5]).shape == image.shape
    assert F.rotate(image * 1.0, 10.0).shape == image.shape


def test_transforms_run_in_workers_without_xla():
    class Pictures(torch.utils.data.Dataset):
        transform = v2.Compose(
            [v2.ToImage(), v2.RandomResizedCrop(8), v2.RandomPhotometricDistort(), v2.RandomAffine(9, shear=3),
             v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3)]
        )  # fmt: skip

        def __len__(self):
            return 6

        def __getitem__(self, i):
            from jax._src import xla_bridge

            sample = {"image": picture(20 + i, 30, seed=i), "boxes": boxes(ENV, "XYXY")[:1]}
            return self.transform(sample["image"]), xla_bridge.backends_are_initialized()

    batches = list(torch.utils.data.DataLoader(Pictures(), 3, num_workers=2))
    assert [tuple(x.shape) for x, _ in batches] == [(3, 3, 8, 8)] * 2
    assert not any(started.any() for _, started in batches)


def test_workers_draw_what_torchvisions_workers_draw():
    """Each worker's generator is seeded with the base seed and its number."""

    class Draws(torch.utils.data.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return torch.tensor(ENV.T.RandomRotation.get_params([0.0, 1.0]))

    torch.manual_seed(5)
    loader = torch.utils.data.DataLoader(Draws(), 2, num_workers=2)
    found = torch.cat(list(loader)).tolist()
    torch.manual_seed(5)
    base = torch.empty((), dtype=torch.int64).random_().item()
    wanted = []
    for worker in range(2):
        g = torch.Generator().manual_seed(base + worker)
        wanted += [torch.empty(1).uniform_(0, 1, generator=g).item() for _ in range(2)]
    assert found == pytest.approx(wanted, abs=0)


# ---------------------------------------------------------------------------------------------------------- tv_tensors


def test_operations_give_plain_tensors_and_copies_keep_the_class():
    image = tv_tensors.Image(torch.zeros(3, 4, 5))
    box = boxes(ENV, "XYXY")
    for plain in (image + 1, image[0], image.float(), image.sum(), box * 2, torch.stack([image, image])):
        assert type(plain) is torch.Tensor
    for kept in (image.clone(), image.detach(), image.to(torch.float64), copy.deepcopy(image), F2.hflip(image)):
        assert type(kept) is tv_tensors.Image
    for kept in (box.clone(), box.to(torch.int64), copy.deepcopy(box), pickle.loads(pickle.dumps(box))):
        assert (type(kept), kept.format, kept.canvas_size, kept.clamping_mode) == (
            tv_tensors.BoundingBoxes, tv_tensors.BoundingBoxFormat.XYXY, (18, 23), "soft",
        )  # fmt: skip
    assert image.requires_grad_() is image


def test_set_return_type_lets_operations_keep_the_class():
    image, box = tv_tensors.Image(torch.zeros(3, 4, 5)), boxes(ENV, "XYXY")
    with tv_tensors.set_return_type("TVTensor"):
        assert type(image + 1) is tv_tensors.Image
        assert type(torch.flip(image, (0,))) is tv_tensors.Image
        assert (box * 2).format is tv_tensors.BoundingBoxFormat.XYXY
        assert all(type(part) is tv_tensors.BoundingBoxes for part in box.unbind(1))
    assert type(image + 1) is torch.Tensor
    with pytest.raises(ValueError, match="return_type must be 'TVTensor' or 'Tensor', got x"):
        tv_tensors.set_return_type("x")


def test_kernels_for_classes_of_ones_own():
    class Sound(tv_tensors.TVTensor):
        pass

    @F2.register_kernel("hflip", Sound)
    def reverse(sound):
        return tv_tensors.wrap(sound.as_subclass(torch.Tensor).flip(-1), like=sound)

    sound = torch.arange(3).as_subclass(Sound)
    made = v2.RandomHorizontalFlip(1.0)(sound)
    assert type(made) is Sound and made.tolist() == [2, 1, 0]
    assert v2.Resize(3)(sound) is sound
    with pytest.raises(TypeError, match="F.resize supports inputs of type"):
        F2.resize(sound, 3)
    with pytest.raises(ValueError, match="already has a kernel registered"):
        F2.register_kernel(F2.hflip, Sound)
    with pytest.raises(ValueError, match="builtin tv_tensor classes"):
        F2.register_kernel(F2.hflip, tv_tensors.Image)


def test_only_the_first_pure_tensor_is_an_image():
    flip = v2.RandomHorizontalFlip(1.0)
    a, b = torch.arange(4).view(1, 2, 2), torch.arange(4).view(1, 2, 2)
    first, second, text = flip(a, b, "x")
    assert first.tolist() == [[[1, 0], [3, 2]]] and second is b and text == "x"
    made = flip({"image": tv_tensors.Image(a), "extra": b})
    assert type(made["image"]) is tv_tensors.Image and made["extra"] is b


def test_a_transform_of_ones_own():
    class Scale(v2.Transform):
        def make_params(self, flat_inputs):
            return {"by": 2}

        def transform(self, inpt, params):
            return inpt * params["by"]

    assert Scale()({"a": torch.ones(1, 2, 2), "b": 3})["a"].sum() == 8


def test_modules_of_transforms_move_and_save():
    steps = torch.nn.Sequential(ENV.T.RandomRotation(3), v2.RandAugment(), v2.ColorJitter(0.1))
    assert steps.to(torch.float64).eval().state_dict() == {}
    assert repr(pickle.loads(pickle.dumps(steps))) == repr(steps)


# ---------------------------------------------------------------------------------------------------------------- files


def encoded(kind, mode, **keywords):
    buffer = io.BytesIO()
    Image.fromarray(picture(12, 15, 4)[:, :, : len(mode)].squeeze(), mode).save(buffer, kind, **keywords)
    return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)


def test_png_is_written_and_read_without_loss(tmp_path):
    image = inputs(ENV, "u8")
    vio.write_png(image, tmp_path / "a.png", compression_level=1)
    assert torch.equal(vio.read_image(tmp_path / "a.png"), image)
    assert torch.equal(vio.decode_image(vio.read_file(tmp_path / "a.png")), image)
    assert torch.equal(vio.decode_png(vio.encode_png(image[:1])), image[:1])


def test_jpeg_is_what_pillow_makes_of_it(tmp_path):
    image = inputs(ENV, "u8")
    data = vio.encode_jpeg(image, quality=60)
    assert data.dtype == torch.uint8 and data.ndim == 1
    wanted = np.asarray(Image.open(io.BytesIO(data.numpy().tobytes()))).transpose(2, 0, 1)
    assert np.array_equal(vio.decode_jpeg(data).numpy(), wanted)
    assert [tuple(x.shape) for x in vio.decode_jpeg([data, data], "gray")] == [(1, 18, 23)] * 2
    vio.write_jpeg(image, tmp_path / "a.jpg", 60)
    assert torch.equal(vio.read_file(tmp_path / "a.jpg"), data)
    assert torch.equal(F2.jpeg(image, 60), vio.decode_jpeg(data))


@pytest.mark.parametrize("mode, channels", [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_images_are_read_with_their_own_channels_or_converted(mode, channels):
    data = encoded("PNG", mode)
    assert vio.decode_image(data).shape == (channels, 12, 15)
    read = vio.ImageReadMode
    for wanted, count in ((read.GRAY, 1), (read.GRAY_ALPHA, 2), (read.RGB, 3), (read.RGB_ALPHA, 4), ("RGB", 3)):
        assert vio.decode_image(data, wanted).shape == (count, 12, 15)


def test_palettes_bits_16_bit_and_frames():
    def of(img, kind="PNG", **keywords):
        buffer = io.BytesIO()
        img.save(buffer, kind, **keywords)
        return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)

    colour = Image.fromarray(picture(12, 15))
    assert vio.decode_png(of(colour.quantize(9))).shape == (3, 12, 15)
    assert set(vio.decode_png(of(colour.convert("1"))).unique().tolist()) <= {0, 255}
    deep = np.arange(180, dtype=np.uint16).reshape(12, 15) * 300
    assert torch.equal(vio.decode_png(of(Image.fromarray(deep))), torch.from_numpy(deep)[None])
    frames = [Image.fromarray(picture(12, 15, seed=s)) for s in range(3)]
    assert vio.decode_gif(of(frames[0], "GIF")).shape == (3, 12, 15)
    assert vio.decode_image(of(frames[0], "GIF", save_all=True, append_images=frames[1:])).shape == (3, 3, 12, 15)
    rotated = of(colour, "JPEG", exif=_turned())
    assert vio.decode_image(rotated).shape == (3, 12, 15)
    assert vio.decode_image(rotated, apply_exif_orientation=True).shape == (3, 15, 12)


def _turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_what_cannot_be_decoded_says_so(tmp_path):
    with pytest.raises(RuntimeError, match="Expected a torch.uint8 tensor"):
        vio.decode_png(torch.zeros(3))
    with pytest.raises(RuntimeError, match="Expected a non empty 1-dimensional tensor"):
        vio.decode_png(torch.zeros(0, dtype=torch.uint8))
    with pytest.raises(RuntimeError, match="damaged"):
        vio.decode_image(torch.arange(90).to(torch.uint8))
    data = encoded("PNG", "RGB")
    with pytest.raises(RuntimeError, match="damaged"):
        vio.decode_png(data[: len(data) // 2])
    with pytest.raises(RuntimeError, match="not supported for JPEG"):
        vio.decode_jpeg(encoded("JPEG", "RGB"), vio.ImageReadMode.RGB_ALPHA)
    with pytest.raises(RuntimeError, match="No such file"):
        vio.read_image(tmp_path / "none.png")
    with pytest.raises(NotImplementedError, match="read_video"):
        vio.read_video("a.mp4")
    with pytest.raises(ValueError, match="between 1 and 100"):
        vio.encode_jpeg(inputs(ENV, "u8"), 0)


def test_save_image_writes_the_grid(tmp_path):
    batch = inputs(ENV, "fbatch")
    utils.save_image(batch, tmp_path / "grid.png", nrow=1, padding=1)
    wanted = (utils.make_grid(batch, nrow=1, padding=1) * 255 + 0.5).clamp(0, 255).to(torch.uint8)
    assert torch.equal(vio.read_image(str(tmp_path / "grid.png")), wanted)


def test_labels_are_drawn():
    image = torch.zeros(3, 40, 60, dtype=torch.uint8)
    corners = torch.tensor([[5.0, 5.0, 50.0, 35.0]])
    plain = utils.draw_bounding_boxes(image, corners, colors="red")
    named = utils.draw_bounding_boxes(image, corners, labels=["cat"], colors="red", fill_labels=True)
    assert (named != plain).any() and (named[:, :5] == 0).all()
    with pytest.raises(ValueError, match=r"Number of boxes \(1\) and labels \(2\) mismatch"):
        utils.draw_bounding_boxes(image, corners, labels=["a", "b"])
    with pytest.warns(UserWarning, match="No box was drawn"):
        assert utils.draw_bounding_boxes(image, corners[:0]) is image


def test_points_half_way_between_pixels_are_sampled_as_torchvision_samples_them():
    """A policy shears by 0.1: every tenth row lies half-way (recorded with torchvision 0.29)."""
    image = torch.arange(28, dtype=torch.uint8).repeat(28, 1)[None]
    recorded = {
        0.1: [
            14, 14, 14, 14, 14, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
            17, 17, 17,
        ],
        0.2: [
            14, 14, 14, 15, 15, 15, 15, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 18, 18, 18, 18, 18, 18, 19, 19,
            19, 19, 20,
        ],
        -0.1: [
            14, 14, 14, 14, 14, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
            11, 11, 11,
        ],
    }  # fmt: skip
    for shear, column in recorded.items():
        sheared = F.affine(image, 0.0, [0, 0], 1.0, [math.degrees(math.atan(shear)), 0.0], center=[0, 0])
        assert sheared[0, :, 14].tolist() == column, shear


def test_classes_that_mixing_cannot_count():
    images = torch.rand(3, 3, 4, 4)
    with pytest.raises(RuntimeError, match="Class values must be smaller than num_classes"):
        v2.MixUp(num_classes=2)(images, torch.tensor([0, 1, 2]))
    with pytest.raises(RuntimeError, match="Class values must be non-negative"):
        v2.CutMix(num_classes=2)(images, torch.tensor([0, -1, 1]))
    with pytest.raises(RuntimeError, match="only applicable to index tensor of type LongTensor"):
        v2.MixUp(num_classes=2)(images, torch.tensor([0.0, 1.0, 1.0]))
