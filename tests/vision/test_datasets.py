"""``torchvision.datasets`` against torchvision's own (``tests/recorders/record_vision_datasets.py``)."""

from __future__ import annotations

import json
import pathlib
import pickle

import numpy as np
import pytest
from recorded import load_recorder

pytest.importorskip("PIL")

import torchax_lite as torch
from torchax_lite import vision
from torchax_lite.vision import datasets

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads((TESTS / "data" / "vision_datasets.json").read_text())


recorder = load_recorder("record_vision_datasets")


@pytest.mark.parametrize("name", recorder.CASES)
def test_what_torchvision_makes_of_the_same_files(name, tmp_path):
    assert recorder.observe(torch, vision, name, tmp_path) == RECORD[name]


def test_a_download_that_fails_says_where_the_file_belongs(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(datasets.utils.urllib.request, "urlopen", refuse)
    with pytest.raises(RuntimeError, match="(?s)Error downloading train-images.*put it at .*raw/train-images"):
        datasets.MNIST(tmp_path, download=True)
    with pytest.raises(RuntimeError, match="could not be downloaded"):
        datasets.CIFAR10(tmp_path, download=True)
    assert not list(tmp_path.rglob("*.part"))


def test_a_file_is_downloaded_and_checked(tmp_path):
    source = tmp_path / "there" / "file.txt"
    source.parent.mkdir()
    source.write_text("content")
    url, md5 = source.as_uri(), datasets.utils.calculate_md5(source)
    datasets.utils.download_url(url, tmp_path / "here", md5=md5)
    assert (tmp_path / "here" / "file.txt").read_text() == "content"
    with pytest.raises(RuntimeError, match="File not found or corrupted"):
        datasets.utils.download_url(url, tmp_path / "other", md5="0" * 32)


def test_a_file_of_cifar_cannot_run_anything(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("ran",)

    path = tmp_path / "data"
    path.write_bytes(pickle.dumps({"data": Evil()}, protocol=2))
    with pytest.raises(pickle.UnpicklingError, match="builtins.print|__builtin__.print"):
        datasets.cifar._load(str(path))


def test_an_image_folder_is_loaded_by_workers(tmp_path):
    for i in range(6):
        recorder.save(tmp_path, f"{'ab'[i % 2]}/{i}.png", i, 8, 8, 3)
    data = datasets.ImageFolder(tmp_path, transform=lambda image: torch.from_numpy(np.array(image)))
    loader = torch.utils.data.DataLoader(data, batch_size=3, num_workers=1)
    batches = list(loader)
    assert [tuple(images.shape) for images, _ in batches] == [(3, 8, 8, 3)] * 2
    assert torch.cat([targets for _, targets in batches]).tolist() == [0, 0, 0, 1, 1, 1]


def test_data_sets_that_are_not_there_say_so():
    with pytest.raises(NotImplementedError, match="torchvision.datasets.Kinetics is not available"):
        datasets.Kinetics("/nowhere")
    with pytest.raises(AttributeError, match="module 'torchvision.datasets' has no attribute 'Nothing'"):
        datasets.Nothing  # noqa: B018
