"""Record torchvision's data sets on small made-up files: writes ``tests/data/vision_datasets.json``.

    python tests/recorders/record_vision_datasets.py      (with PyTorch 2.13, Pillow, pycocotools and torchvision 0.29.1 --no-deps)

``CASES`` maps a name to a function that writes files of the published format into a folder and returns what the data set
makes of them, as plain data.
"""

import bz2
import gzip
import hashlib
import json
import lzma
import os
import pathlib
import pickle
import sys
import tempfile
import zipfile

import numpy as np

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"

CASES = {}


def case(fn):
    CASES[fn.__name__] = fn
    return fn


def pixels(seed, *shape):
    return np.random.RandomState(seed).randint(0, 256, shape).astype("uint8")


def digest(image):
    """Mode, size and bytes of a Pillow image (or dtype, shape and bytes of an array) in short."""
    array = np.asarray(image)
    mode = getattr(image, "mode", str(array.dtype))
    return [mode, list(array.shape), hashlib.md5(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]]


def shown(dataset, folder):
    return repr(dataset).replace(str(folder), "FOLDER")


def save(folder, name, seed, *shape):
    from PIL import Image

    path = pathlib.Path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(seed, *shape)).save(path)
    return path


def idx(array, kind):
    head = bytes([0, 0, kind, array.ndim]) + b"".join(s.to_bytes(4, "big") for s in array.shape)
    return head + array.tobytes()


@case
def folder_of_images(torch, vision, folder):
    for i, name in enumerate(("cat/b.png", "cat/a.jpg", "dog/deep/x.bmp", "dog/note.png")):
        save(folder, name, i, 5, 6, 3)
    pathlib.Path(folder, "dog/readme.txt").write_text("x")
    pathlib.Path(folder, "empty").mkdir()
    found = []
    try:
        vision.datasets.ImageFolder(folder)
    except FileNotFoundError as error:
        found.append(str(error))
    data = vision.datasets.ImageFolder(folder, target_transform=lambda t: t + 10, allow_empty=True)
    found += [data.classes, data.class_to_idx, [os.path.relpath(p, folder) for p, _ in data.samples], data.targets]
    found += [[digest(image)[:2], target] for image, target in data]
    found.append(shown(vision.datasets.ImageFolder(folder, allow_empty=True), folder))
    loaded = vision.datasets.DatasetFolder(folder, lambda p: os.path.basename(p), (".txt",), allow_empty=True)
    return [*found, loaded[0]]


@case
def mnist(torch, vision, folder):
    raw = pathlib.Path(folder, "MNIST", "raw")
    raw.mkdir(parents=True)
    for part, seed in (("train", 0), ("t10k", 1)):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(pixels(seed, 4, 28, 28), 8))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(pixels(seed, 4) % 10, 8))
    found = []
    for train in (True, False):
        data = vision.datasets.MNIST(folder, train=train)
        image, target = data[2]
        found += [digest(image), target, str(data.data.dtype), str(data.targets.dtype), data.targets.tolist()]
        found += [shown(data, folder), data.class_to_idx]
    return found


@case
def mnist_relatives(torch, vision, folder):
    raw = pathlib.Path(folder, "EMNIST", "raw")
    raw.mkdir(parents=True)
    (raw / "emnist-letters-test-images-idx3-ubyte").write_bytes(idx(pixels(0, 3, 28, 28), 8))
    (raw / "emnist-letters-test-labels-idx1-ubyte").write_bytes(idx(pixels(0, 3) % 27, 8))
    letters = vision.datasets.EMNIST(folder, "letters", train=False)
    raw = pathlib.Path(folder, "QMNIST", "raw")
    raw.mkdir(parents=True)
    (raw / "qmnist-train-images-idx3-ubyte").write_bytes(idx(pixels(1, 3, 28, 28), 8))
    (raw / "qmnist-train-labels-idx2-int").write_bytes(idx((np.arange(24).reshape(3, 8) * 1000).astype(">i4"), 12))
    found = [letters.classes, letters[1][1], shown(letters, folder)]
    for compat in (True, False):
        data = vision.datasets.QMNIST(folder, compat=compat)
        target = data[1][1]
        found += [digest(data[1][0]), target if compat else target.tolist(), shown(data, folder)]
    return found


def patched(cls, **values):
    return type(cls.__name__, (cls,), values)


def md5(path):
    return hashlib.md5(pathlib.Path(path).read_bytes()).hexdigest()


@case
def cifar(torch, vision, folder):
    base = pathlib.Path(folder, "cifar-10-batches-py")
    base.mkdir(parents=True)

    def write(name, content):
        (base / name).write_bytes(pickle.dumps(content, protocol=2))
        return [name, md5(base / name)]

    train = [write(f"data_batch_{i}", {"data": pixels(i, 2, 3072), "labels": [i, 9 - i]}) for i in (1, 2)]
    test = [write("test_batch", {"data": pixels(3, 3, 3072), "labels": [0, 1, 2]})]
    meta = write("batches.meta", {"label_names": list("abcdefghij")})
    facts = {"filename": meta[0], "key": "label_names", "md5": meta[1]}
    made = patched(vision.datasets.CIFAR10, train_list=train, test_list=test, meta=facts)
    found = []
    for part in (True, False):
        data = made(folder, train=part)
        found += [digest(data[1][0]), data[1][1], data.targets, list(data.data.shape), shown(data, folder)]
    try:
        vision.datasets.CIFAR10(folder)
    except RuntimeError as error:
        found.append(str(error))
    return [*found, data.class_to_idx]


@case
def stl(torch, vision, folder):
    base = pathlib.Path(folder, "stl10_binary")
    base.mkdir(parents=True)
    files = {
        "train_X.bin": pixels(0, 4, 3, 96, 96), "train_y.bin": np.array([1, 2, 3, 10], "uint8"),
        "unlabeled_X.bin": pixels(1, 2, 3, 96, 96), "test_X.bin": pixels(2, 1, 3, 96, 96),
        "test_y.bin": np.array([7], "uint8"),
    }  # fmt: skip
    for name, content in files.items():
        (base / name).write_bytes(content.tobytes())
    (base / "class_names.txt").write_text("a\nb\n")
    (base / "fold_indices.txt").write_text("0 2 \n3 1 \n")
    sums = {name: [name, md5(base / name)] for name in files}
    lists = {"train_list": list(sums.values())[:3], "test_list": list(sums.values())[3:]}
    made = patched(vision.datasets.STL10, **lists)
    found = []
    for split, folds in (("train", None), ("train", 1), ("train+unlabeled", 0), ("unlabeled", None), ("test", None)):
        data = made(folder, split=split, folds=folds)
        found += [len(data), np.asarray(data.labels).tolist(), digest(data[0][0]), data[0][1], shown(data, folder)]
    return [*found, data.classes]


@case
def usps(torch, vision, folder):
    rows = np.random.RandomState(0).uniform(-1, 1, (3, 256)).round(3)
    text = "".join(f"{i + 1} " + " ".join(f"{j + 1}:{v}" for j, v in enumerate(r)) + "\n" for i, r in enumerate(rows))
    with bz2.open(os.path.join(folder, "usps.bz2"), "wt") as f:
        f.write(text)
    data = vision.datasets.USPS(folder)
    return [digest(data[2][0]), data[2][1], data.targets, shown(data, folder)]


XML = """<annotation><folder>VOC</folder><size><width>6</width><height>5</height></size>
<object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>4</xmax><ymax>5</ymax></bndbox></object>{more}
</annotation>"""


@case
def voc(torch, vision, folder):
    root = pathlib.Path(folder, "VOCdevkit", "VOC2012")
    for name in ("Annotations", "ImageSets/Main", "ImageSets/Segmentation", "SegmentationClass"):
        (root / name).mkdir(parents=True)
    for kind in ("Main", "Segmentation"):
        (root / "ImageSets" / kind / "train.txt").write_text("a\nb\n")
    more = (
        "<object><name>dog</name><part><name>head</name></part><part><name>tail</name></part>"
        "<bndbox><xmin>2</xmin><ymin>1</ymin><xmax>5</xmax><ymax>3</ymax></bndbox></object>"
    )
    for i, name in enumerate("ab"):
        save(root, f"JPEGImages/{name}.jpg", i, 5, 6, 3)
        save(root, f"SegmentationClass/{name}.png", i, 5, 6)
        (root / "Annotations" / f"{name}.xml").write_text(XML.format(more=more if i else ""))
    data = vision.datasets.VOCDetection(folder)
    masks = vision.datasets.VOCSegmentation(folder, transforms=lambda a, b: (digest(a)[:2], digest(b)))
    wrapped = vision.datasets.wrap_dataset_for_transforms_v2(vision.datasets.VOCDetection(folder))
    target = wrapped[1][1]
    found = [data[0][1], data[1][1], list(masks[1]), shown(data, folder), type(wrapped).__name__]
    return [*found, target["boxes"].tolist(), target["labels"].tolist(), str(target["boxes"].format)]


@case
def coco(torch, vision, folder):
    content = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "x"}]}
    for i in (7, 3):
        save(folder, f"{i}.png", i, 5, 6, 3)
        content["images"].append({"id": i, "file_name": f"{i}.png"})
    for j, (i, box) in enumerate(((3, [1, 2, 3, 2]), (7, [0, 0, 2, 2]), (3, [2, 1, 1, 4]))):
        content["annotations"].append({"id": 10 - j, "image_id": i, "bbox": box, "category_id": 1, "caption": f"c{j}"})
    file = os.path.join(folder, "file.json")
    pathlib.Path(file).write_text(json.dumps(content))
    data = vision.datasets.CocoDetection(folder, file)
    captions = vision.datasets.CocoCaptions(folder, file)
    return [data.ids, [[digest(image), target] for image, target in data], captions[0][1], shown(data, folder)]


@case
def pets(torch, vision, folder):
    root = pathlib.Path(folder, "oxford-iiit-pet")
    (root / "annotations" / "trimaps").mkdir(parents=True)
    (root / "annotations" / "trainval.txt").write_text("Big_cat_1 1 1 1\nsmall_dog_7 2 2 1\n")
    for i, name in enumerate(("Big_cat_1", "small_dog_7")):
        save(root, f"images/{name}.jpg", i, 5, 6, 3)
        save(root, f"annotations/trimaps/{name}.png", i, 5, 6)
    data = vision.datasets.OxfordIIITPet(folder, target_types=["category", "binary-category", "segmentation"])
    target = data[1][1]
    return [target[:2], digest(target[2]), data.classes, data.class_to_idx, data.bin_class_to_idx, shown(data, folder)]


@case
def random_images(torch, vision, folder):
    torch.manual_seed(5)
    data = vision.datasets.FakeData(size=3, image_size=(3, 4, 5), num_classes=7, random_offset=2)
    found = [[digest(data[i][0]), data[i][1]] for i in range(3)]
    try:
        data[3]
    except IndexError as error:
        found.append(str(error))
    return [*found, torch.rand(1).item(), shown(data, folder)]


@case
def files(torch, vision, folder):
    from importlib import import_module

    u = import_module(f"{vision.__name__}.datasets.utils")
    content = b"some text" * 10
    place = pathlib.Path(folder)
    (place / "plain.txt").write_bytes(content)
    for suffix, opener in ((".gz", gzip.open), (".bz2", bz2.open), (".xz", lzma.open)):
        with opener(place / f"one{suffix}.txt{suffix}", "wb") as f:
            f.write(content)
    with zipfile.ZipFile(place / "all.zip", "w") as z:
        z.write(place / "plain.txt", "inside/plain.txt")
    found = [u.calculate_md5(place / "plain.txt"), u.check_integrity(place / "plain.txt", "x"), u.check_integrity("no")]
    for name in ("one.gz.txt.gz", "one.bz2.txt.bz2", "one.xz.txt.xz", "all.zip"):
        found.append(os.path.relpath(u.extract_archive(str(place / name)), folder))
    found.append((place / "inside" / "plain.txt").read_bytes() == content)
    for call in (
        lambda: u.extract_archive(str(place / "plain.txt")), lambda: u.extract_archive("nosuffix"),
        lambda: u.verify_str_arg("a", "split", ("b", "c")), lambda: u.verify_str_arg(3, "split"),
        lambda: vision.datasets.EMNIST(folder, "nothing"), lambda: vision.datasets.MNIST(folder),
        lambda: vision.datasets.STL10(folder, folds=11), lambda: vision.datasets.CelebA(folder),
        lambda: vision.datasets.VisionDataset(folder, transforms=1, transform=2),
        lambda: vision.datasets.wrap_dataset_for_transforms_v2(3, target_keys=3),
    ):  # fmt: skip
        try:
            call()
        except Exception as error:
            found.append([type(error).__name__, str(error)])
    return [*found, sorted(u.list_dir(folder)), sorted(u.list_files(folder, ".zip"))]


@case
def samplers(torch, vision, folder):
    from importlib import import_module

    s = import_module(f"{vision.__name__}.datasets.samplers")
    found = []
    for shuffle in (False, True):
        for rank in (0, 1):
            sampler = s.DistributedSampler(range(10), num_replicas=2, rank=rank, shuffle=shuffle, group_size=2)
            sampler.set_epoch(3)
            found.append([len(sampler), list(sampler)])
    return found


def observe(torch, vision, name, folder):
    return json.loads(json.dumps(CASES[name](torch, vision, str(folder))))


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    import torch
    import torchvision_operators  # noqa: F401

    # isort: split
    import torchvision

    found = {}
    for name in CASES:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = observe(torch, torchvision, name, folder)
    (DATA / "vision_datasets.json").write_text(json.dumps(found, indent=0) + "\n")


if __name__ == "__main__":
    main()
