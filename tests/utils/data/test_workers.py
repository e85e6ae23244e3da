"""Worker processes: what they get, what they know, and what comes back from them."""

import collections
import gc
import io
import os
import pickle
import re
import subprocess
import sys
import textwrap
import threading
import time
import types
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

import torchax_lite as torch
from torchax_lite.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Sampler,
    TensorDataset,
    default_collate,
    get_worker_info,
)
from torchax_lite.utils.data._utils import launcher

from .worker_faults import left_behind

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers need Unix sockets")

Pair = collections.namedtuple("Pair", ["x", "y"])


@dataclass
class Batch:
    x: torch.Tensor
    names: list


class Calls(Dataset):
    """Sample ``i`` is what ``function(i)`` gives in the worker."""

    def __init__(self, function, n=1):
        self.function, self.n = function, n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return self.function(index)


def in_worker(function, **options):
    """What a function gives in a worker, as it arrives here."""
    (out,) = DataLoader(Calls(lambda index: function()), None, num_workers=1, collate_fn=lambda x: x, **options)
    return out


# -- what workers get --------------------------------------------------------------------------------------------------


def test_datasets_lambdas_and_local_classes_travel_by_value():
    offset = torch.arange(3)

    class Local(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return offset + index * factor

    factor = 10
    batches = DataLoader(Local(), 2, num_workers=2, collate_fn=lambda samples: [s.tolist() for s in samples])
    assert list(batches) == [[[0, 1, 2], [10, 11, 12]], [[20, 21, 22], [30, 31, 32]]]


def test_objects_come_back_in_the_classes_of_this_process():
    class Here:
        pass

    def function():
        return Pair(1, Here()), Batch(torch.ones(2), ["a"]), Here

    pair, batch, kind = in_worker(function)
    assert type(pair) is Pair and type(pair.y) is Here and kind is Here
    assert type(batch) is Batch and batch.x.tolist() == [1, 1]


def test_a_class_keeps_what_was_set_on_it_meanwhile():
    class Counted:
        count = 0

    def function(index):
        return Counted()

    for _ in DataLoader(Calls(function, 3), None, num_workers=1):
        Counted.count += 1
    assert Counted.count == 3


def test_named_tuples_are_collated():
    (batch,) = DataLoader(Calls(lambda i: Pair(np.float32(i), {"n": i}), 3), 3, num_workers=1)
    assert type(batch) is Pair and batch.x.tolist() == [0, 1, 2] and batch.y["n"].tolist() == [0, 1, 2]


def test_modules_made_in_memory_and_from_anywhere(tmp_path, monkeypatch):
    made = types.ModuleType("made_in_memory")
    exec("def double(x): return 2 * x\nclass Thing: pass", made.__dict__)
    monkeypatch.setitem(sys.modules, "made_in_memory", made)
    assert in_worker(lambda: made.double(4)) == 8
    (tmp_path / "elsewhere.py").write_text("VALUE = 5\ndef triple(x): return 3 * x + VALUE\n")
    monkeypatch.syspath_prepend(tmp_path)
    import elsewhere

    sys.path.remove(str(tmp_path))
    try:
        assert in_worker(lambda: elsewhere.triple(2)) == 11
    finally:
        del sys.modules["elsewhere"]


def test_locks_readers_and_mapped_files_are_made_anew(tmp_path):
    (tmp_path / "text").write_text("abcdef")
    np.arange(9.0).tofile(tmp_path / "array")
    mapped = np.memmap(tmp_path / "array", np.float64, "r", shape=(3, 3))
    with open(tmp_path / "text", "rb") as binary, open(tmp_path / "text") as text:
        binary.read(2)
        held = threading.Lock(), threading.RLock(), threading.local(), binary, text, mapped, io.BytesIO(b"xy")

        def function(lock, rlock, local, binary, text, mapped, memory):
            with lock, rlock:
                return binary.read(), text.read(3), type(mapped).__name__, mapped.sum(), memory.read()

        dataset = Calls(lambda index, held=held: function(*held))
        assert list(DataLoader(dataset, None, num_workers=1)) == [(b"cdef", "abc", "memmap", 36.0, b"xy")] or list(
            DataLoader(dataset, None, num_workers=1)
        ) == [[b"cdef", "abc", "memmap", torch.tensor(36.0, dtype=torch.float64), b"xy"]]
        assert binary.tell() == 2


def iter_of_nothing():
    yield from ()


def test_what_cannot_be_pickled_is_refused_here_with_what_to_do():
    with pytest.raises(TypeError, match="cannot pickle 'generator' object") as caught:
        iter(DataLoader(Calls(iter_of_nothing()), num_workers=1))
    assert "by value" in caught.value.__notes__[0]
    assert not any(left_behind())


def test_the_state_of_this_process_goes_along(monkeypatch, tmp_path):
    monkeypatch.setenv("SOME_SETTING", "7")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["prog", "--flag"])
    torch.set_default_dtype(torch.float64)
    try:
        got = in_worker(
            lambda: (
                os.environ["SOME_SETTING"],
                os.getcwd(),
                sys.argv,
                torch.tensor(1.5).dtype,
                torch.get_num_threads(),
            )
        )
    finally:
        torch.set_default_dtype(torch.float32)
    assert got == ("7", str(tmp_path), ["prog", "--flag"], torch.float64, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        with pytest.raises(DeprecationWarning, match="Caught DeprecationWarning in DataLoader worker process 0"):
            in_worker(lambda: warnings.warn("old", DeprecationWarning, stacklevel=1))


def test_large_datasets_are_shared_by_the_workers():
    data = np.arange(1 << 20, dtype=np.int64)

    def function(index):
        maps = open("/proc/self/maps").read()
        data[0] += 1  # private
        return int(data[index * 1000]), maps.count("memfd:torchax_lite")

    out = list(DataLoader(Calls(function, 4), None, num_workers=2))
    assert [value for value, _ in out][1:] == [1000, 2000, 3000] and all(n > 0 for _, n in out)
    assert data[0] == 0


# -- what workers know -------------------------------------------------------------------------------------------------


def test_worker_info():
    def function(index):
        info = get_worker_info()
        return info.id, info.num_workers, info.seed, type(info.dataset).__name__, info.rng, info.worker_method

    g = torch.Generator().manual_seed(3)
    base = torch.empty((), dtype=torch.int64).random_(generator=torch.Generator().manual_seed(3)).item()
    rows = list(DataLoader(Calls(function, 4), None, num_workers=2, generator=g))
    assert rows == [(i % 2, 2, base + i % 2, "Calls", None, "multiprocessing") for i in range(4)] or rows == [
        [i % 2, 2, base + i % 2, "Calls", None, "multiprocessing"] for i in range(4)
    ]
    assert get_worker_info() is None


def test_ordinary_transforms_start_no_xla_in_a_worker():
    mean = torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)

    def sample(index):
        rng = np.random.default_rng(index)
        x = torch.from_numpy(rng.integers(0, 255, (8, 6, 3)).astype(np.uint8)).permute(2, 0, 1).float().div(255)
        x = (x - mean) / 0.25
        x = x.flip(-1)[:, 1:7, 2:].clamp(-1, 1)
        x[0, :2] = 0.5
        label = torch.nn.functional.one_hot(torch.tensor(index), 4)
        return x, label, torch.cat([x, x]).mean(), x[x > 0].sum(), torch.nn.functional.pad(x, (1, 2)), index

    def collate(samples):
        from jax._src import xla_bridge

        return default_collate(samples), xla_bridge.backends_are_initialized()

    (batch, started) = next(iter(DataLoader(Calls(sample, 4), 4, num_workers=1, collate_fn=collate)))
    assert not started
    for got, want in zip(batch, default_collate([sample(i) for i in range(4)]), strict=True):
        assert got.dtype == want.dtype and got.shape == want.shape
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-6, atol=1e-6)


def test_other_ops_start_it():
    x = in_worker(lambda: torch.linalg.inv(torch.tensor([[2.0, 0.0], [0.0, 4.0]])) @ torch.ones(2))
    assert x.tolist() == [0.5, 0.25]


# -- what comes back ---------------------------------------------------------------------------------------------------


def test_tensors_arrive_as_they_were():
    def function():
        x = torch.arange(24.0).reshape(2, 3, 4)
        leaf = torch.ones(3, requires_grad=True)
        big = torch.zeros(1000, 100)
        return {
            "plain": x, "permuted": x.permute(2, 0, 1), "last": torch.zeros(2, 3, 4, 5).to(memory_format=torch.channels_last),
            "expanded": torch.ones(3, 1).expand(3, 4), "row": big[7], "leaf": leaf, "scalar": torch.tensor(2),
            "empty": torch.zeros(0, 3), "bfloat16": torch.ones(4, dtype=torch.bfloat16), "bool": x > 5,
            "complex": torch.ones(2, dtype=torch.complex64), "parameter": torch.nn.Parameter(torch.ones(2)), "big": big,
        }  # fmt: skip

    want, got = function(), in_worker(function)
    for name, x in want.items():
        y = got[name]
        assert (y.dtype, y.shape, y.stride(), y.requires_grad) == (x.dtype, x.shape, x.stride(), x.requires_grad), name
        assert y.tolist() == x.tolist(), name
    assert type(got["parameter"]) is torch.nn.Parameter
    got["big"][0] = 1
    got["plain"].add_(1)
    assert got["big"].sum() == 100 and got["plain"][0, 0, 0] == 1


def test_a_result_that_requires_grad_is_refused():
    with pytest.raises(
        RuntimeError, match=r"Caught RuntimeError in DataLoader worker[\s\S]*Cowardly refusing to serialize"
    ):
        in_worker(lambda: torch.ones(3, requires_grad=True) * 2)


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="reads /proc")
def test_batches_lie_in_shared_memory_as_long_as_they_live():
    loader = DataLoader(Calls(lambda i: (np.full((100, 100), i, np.float32), i), 8), 4, num_workers=1)
    first, second = loader
    assert [len(part) for part in left_behind()] == [0, 0, 2]
    row = first[0][3]
    del first, second
    assert row[0].tolist() == [3] * 100
    del row
    assert not any(left_behind())


def test_segments_go_around_between_a_worker_and_its_loader():
    def sample(index):
        from torchax_lite.utils.data._utils.shared_memory import POOL

        return np.full((300, 300), index, np.float32), len(POOL.sent) + len(POOL.free)

    rows = [pool.tolist() for _, pool in DataLoader(Calls(sample, 80), 2, num_workers=1)]
    assert 0 < rows[-1][0] <= 5  # those worked ahead, the one in use here, one on its way back


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_memory_that_a_child_may_see_is_not_used_again():
    def sample(index):
        from torchax_lite.utils.data._utils.shared_memory import shared_empty

        array = shared_empty((2, 300, 300), np.float32)
        array[:] = index
        return array

    loader = iter(DataLoader(Calls(sample, 80), batch_size=None, num_workers=1, collate_fn=lambda array: array))
    batch = next(loader)
    expected = batch.tobytes()
    go, start = os.pipe()
    result, out = os.pipe()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="os.fork")
        child = os.fork()
    if child == 0:
        os.read(go, 1)
        os.write(out, b"same" if batch.tobytes() == expected else b"else")
        os._exit(0)
    del batch
    for _ in loader:
        pass
    os.write(start, b"x")
    os.waitpid(child, 0)
    assert os.read(result, 4) == b"same"
    for fd in (go, start, result, out):
        os.close(fd)
    test_segments_go_around_between_a_worker_and_its_loader()  # those mapped after the fork do


def test_memory_is_used_again_when_nobody_sees_it_any_more():
    def sample(index):
        return np.full((300, 300), index, np.float32)

    kept_there = []

    def collate(samples):
        batch = default_collate(samples)
        if not kept_there:
            kept_there.append(batch)
        return batch, kept_there[0][0, 0, 0].item()

    loader = DataLoader(Calls(sample, 60), 2, num_workers=1, collate_fn=collate)
    kept, seen = [], []
    for i, (batch, first) in enumerate(loader):
        seen.append((batch[0, 0, 0].item(), batch[1, -1, -1].item(), first))
        if i % 4 == 0:
            kept.append((i, batch))
    assert seen == [(2 * i, 2 * i + 1, 0.0) for i in range(30)]
    assert all((batch[0] == 2 * i).all() and (batch[1] == 2 * i + 1).all() for i, batch in kept)


def test_large_python_objects():
    names = ["x" * 100 + str(i) for i in range(5000)]
    assert in_worker(lambda: names) == names


def test_arrays_of_every_size_come_back():
    def function():
        return (
            [np.arange(n, dtype=np.int64) for n in (0, 1, 100, 3000, 70000)],
            np.ones((50, 50), order="F"),
            b"x" * 99999,
        )

    arrays, fortran, text = in_worker(function)
    assert [a.sum() for a in arrays] == [0, 0, 4950, 4498500, 2449965000] and text == b"x" * 99999
    assert fortran.flags.f_contiguous and all(a.flags.writeable for a in arrays)


def test_batches_out_of_order_as_they_come():
    def slow_first(index):
        time.sleep(0.5 if index == 0 else 0)
        return index

    def order(in_order):
        return [int(x) for x in DataLoader(Calls(slow_first, 6), num_workers=2, in_order=in_order)]

    assert order(True) == list(range(6))
    late = order(False)
    assert sorted(late) == list(range(6)) and late[0] != 0


def test_a_slow_stream_is_given_out_once_by_each_worker():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(range(get_worker_info().id, 7, get_worker_info().num_workers))

        def __len__(self):
            return 3

    loader = DataLoader(Stream(), None, num_workers=2)
    assert len(loader) == 3
    with pytest.warns(UserWarning, match=r"4 samples have been fetched. For multiprocessing data-loading, this could"):
        assert sorted(loader) == list(range(7))


# -- the loader --------------------------------------------------------------------------------------------------------


class Counting(Sampler):
    """Counts how far it was read."""

    def __init__(self, n):
        self.n, self.read = n, 0

    def __iter__(self):
        for i in range(self.n):
            self.read += 1
            yield i

    def __len__(self):
        return self.n


@pytest.mark.parametrize("factor", [None, 1, 3])
def test_prefetch_factor_is_how_far_ahead_workers_are(factor):
    sampler = Counting(20)
    iterator = iter(DataLoader(range(20), 1, sampler=sampler, num_workers=2, prefetch_factor=factor))
    ahead = 2 * (factor or 2)
    assert sampler.read == ahead
    next(iterator)
    assert sampler.read == ahead + 1


def test_defaults_and_errors():
    assert DataLoader(range(3), num_workers=1).prefetch_factor == 2
    with pytest.raises(AssertionError, match="prefetch_factor must be greater than 0"):
        iter(DataLoader(range(3), num_workers=1, prefetch_factor=0))
    cores = len(os.sched_getaffinity(0))
    with pytest.warns(
        UserWarning, match=f"will create {cores + 1} worker processes in total. Our suggested max number"
    ):
        DataLoader(range(3), num_workers=cores + 1)


@pytest.mark.parametrize("context", ["spawn", "forkserver", "fork", None])
def test_every_start_method_is_taken(context):
    assert list(DataLoader([1, 2], None, num_workers=1, multiprocessing_context=context)) == [1, 2]


def test_persistent_workers_stay_and_others_do_not():
    def pids(persistent):
        loader = DataLoader(Calls(lambda i: os.getpid(), 4), None, num_workers=2, persistent_workers=persistent)
        return [set(loader) for _ in range(2)]

    first, second = pids(True)
    assert first == second and len(first) == 2
    first, second = pids(False)
    assert not first & second
    gc.collect()


def test_a_persistent_loader_begins_anew_after_a_pass_broken_off():
    loader = DataLoader(range(12), 2, num_workers=2, persistent_workers=True)
    assert next(iter(loader)).tolist() == [0, 1]
    assert [b.tolist() for b in loader] == [[i, i + 1] for i in range(0, 12, 2)]
    assert [b.tolist() for b in pickle.loads(pickle.dumps(loader))][0] == [0, 1]


def test_indices_may_be_anything():
    batches = [[("a", 1), ("b", Pair(2, 3))], [("c", torch.tensor(4))]]
    loader = DataLoader(Calls(lambda key: key), batch_sampler=batches, num_workers=1, collate_fn=lambda x: x)
    assert list(loader) == batches


def test_tensor_datasets_and_shuffle():
    x = torch.arange(40.0).reshape(20, 2)
    torch.manual_seed(0)
    here = [b.tolist() for (b,) in DataLoader(TensorDataset(x), 6, shuffle=True)]
    torch.manual_seed(0)
    there = [b.tolist() for (b,) in DataLoader(TensorDataset(x), 6, shuffle=True, num_workers=2)]
    assert here == there


def test_several_loaders_at_once_and_in_threads():
    def run(out):
        out.extend(b.tolist() for b in DataLoader(range(8), 4, num_workers=1))

    outs = [[] for _ in range(3)]
    threads = [threading.Thread(target=run, args=(out,)) for out in outs]
    for thread in threads:
        thread.start()
    pairs = zip(DataLoader(range(4), 2, num_workers=1), DataLoader(range(4), 2, num_workers=1), strict=True)
    assert [(a.tolist(), b.tolist()) for a, b in pairs] == [([0, 1], [0, 1]), ([2, 3], [2, 3])]
    for thread in threads:
        thread.join()
    assert outs == [[[0, 1, 2, 3], [4, 5, 6, 7]]] * 3


def test_a_server_that_was_killed_is_replaced():
    launcher.prepare()
    launcher._server.process.kill()
    launcher._server.process.wait()
    assert list(DataLoader([5], None, num_workers=1)) == [5]


@pytest.mark.parametrize("persistent", [False, True])
def test_batches_are_pinned_in_a_thread(monkeypatch, persistent):
    """With an accelerator; here the batch's own method shows where it ran."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "accelerator", types.SimpleNamespace(is_available=lambda: True), raising=False)

    class Pinned:
        where = None

        def pin_memory(self):
            self.where = threading.current_thread().name
            return self

    loader = DataLoader(
        Calls(lambda i: Pinned(), 5),
        None,
        num_workers=2,
        pin_memory=True,
        persistent_workers=persistent,
        collate_fn=lambda x: x,
    )
    for _ in range(2):
        assert [batch.where for batch in loader] == ["torchax_lite pin_memory"] * 5
    iterator = iter(loader)
    next(iterator)
    del iterator, loader
    end = time.monotonic() + 10
    while any(t.name == "torchax_lite pin_memory" for t in threading.enumerate()) and time.monotonic() < end:
        gc.collect()
        time.sleep(0.02)
    assert not any(t.name == "torchax_lite pin_memory" for t in threading.enumerate())


# -- scripts -----------------------------------------------------------------------------------------------------------

OPEN_SCRIPT = """
    import os, torch
    import helper
    from torch.utils.data import DataLoader, Dataset

    print("run", flush=True)

    class Squares(Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            import torch.nn.functional as F
            return F.relu(torch.tensor(index)) ** 2, helper.name()

    for epoch in range(2):
        for x, names in DataLoader(Squares(), 3, num_workers=2):
            print(x.tolist(), names[0])
    """


def test_an_open_script_runs_once_and_torch_is_ours_in_its_workers(tmp_path):
    (tmp_path / "script.py").write_text(textwrap.dedent(OPEN_SCRIPT))
    (tmp_path / "helper.py").write_text("import torch\ndef name(): return torch.utils.data.__name__\n")
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-m", "torchax_lite", "script.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    batches = "[0, 1, 4] torchax_lite.utils.data\n[9, 16, 25] torchax_lite.utils.data\n"
    assert done.stdout == "run\n" + 2 * batches, done.stderr
    assert not re.search("Warning|Error", done.stderr), done.stderr


def test_workers_do_not_stack_what_requires_grad():
    """PyTorch's workers stack into shared memory (``out=``), which no gradient can pass."""
    weight = torch.nn.Parameter(torch.ones(2))
    assert next(iter(DataLoader([weight, weight], 2))).grad_fn is not None
    with pytest.raises(RuntimeError, match=r"stack\(\): functions with out=... arguments don't support automatic diff"):
        list(DataLoader([weight, weight], 2, num_workers=1))
