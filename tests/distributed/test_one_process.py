"""``torch.distributed`` in a world of one, the wrappers around modules, and started processes."""

import datetime
import os
import subprocess
import sys

import pytest

import torchax_lite as torch
import torchax_lite.distributed as dist
import torchax_lite.multiprocessing as mp


@pytest.fixture
def world(monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=10))
    yield
    if dist.is_initialized():
        dist.destroy_process_group()


@pytest.mark.parametrize("call", ["get_rank", "get_world_size", "get_backend", "barrier", "new_group"])
def test_before_there_is_a_group(call):
    with pytest.raises(ValueError, match="Default process group has not been initialized"):
        getattr(dist, call)()


def test_group(world):
    assert (dist.get_rank(), dist.get_world_size(), dist.get_backend()) == (0, 1, "gloo")
    assert dist.is_initialized() and dist.get_process_group_ranks(None) == [0] and dist.group.WORLD.size() == 1
    with pytest.raises(ValueError, match="trying to initialize the default process group twice"):
        dist.init_process_group("gloo")
    own = dist.new_group([0])
    assert dist.get_world_size(own) == 1
    with pytest.raises(ValueError, match="world size should be less or equal"):
        dist.new_group([0, 1])
    dist.destroy_process_group()
    assert not dist.is_initialized()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, ValueError, "environment variable RANK expected, but not set"),
        ({"init_method": "tcp://localhost"}, ValueError, "port number missing"),
        ({"init_method": "mpi://x", "rank": 0, "world_size": 1}, RuntimeError, "No rendezvous handler for mpi://"),
        ({"store": dist.HashStore()}, AssertionError, "world_size must be positive"),
        ({"init_method": "tcp://localhost:1", "rank": 0, "world_size": 2}, NotImplementedError, "jax.distributed"),
        ({"backend": "foo", "store": dist.HashStore(), "rank": 0, "world_size": 1}, AssertionError, "Unknown backend type foo"),
    ],
)  # fmt: skip
def test_refused_groups(arguments, error, text, monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(error, match=text):
        dist.init_process_group(**{"backend": "gloo", **arguments})
    assert not dist.is_initialized()


def test_collectives(world):
    t, out = torch.tensor([1.0, 2.0]), torch.zeros(2)
    work = dist.all_reduce(t, async_op=True)
    assert work.wait() and work.is_completed() and t.tolist() == [1.0, 2.0]
    dist.all_reduce(t, op=dist.ReduceOp.AVG)
    dist.broadcast(t, 0)
    dist.barrier()
    outs = [torch.zeros(2)]
    dist.all_gather(outs, t)
    assert outs[0].tolist() == [1.0, 2.0]
    dist.reduce_scatter(out, [t * 2])
    assert out.tolist() == [2.0, 4.0]
    dist.all_gather_single(out, t)
    dist.scatter(out, [t * 3])
    assert out.tolist() == [3.0, 6.0]
    dist.all_to_all_single(out, t)
    assert out.tolist() == [1.0, 2.0]
    objects = [None]
    dist.all_gather_object(objects, {"a": 1})
    assert objects == [{"a": 1}]
    with pytest.raises(RuntimeError, match="Cannot use ReduceOp.BAND with non-integral dtype"):
        dist.all_reduce(t, op=dist.ReduceOp.BAND)
    with pytest.raises(RuntimeError, match="invalid root rank: 1"):
        dist.broadcast(t, 1)
    with pytest.raises(ValueError, match="different dtypes"):
        dist.all_gather([torch.zeros(2, dtype=torch.int)], t)
    with pytest.raises(ValueError, match="destination rank should not be the same"):
        dist.send(t, 0)


def test_stores(tmp_path):
    for store in (dist.HashStore(), dist.FileStore(str(tmp_path / "store"), 1)):
        store.set("a", "b")
        assert store.get("a") == b"b" and store.add("n", 2) == 2 and store.check(["a"]) and store.num_keys() == 2
        assert store.compare_set("x", "", "y") == b"y" and store.delete_key("a")
        store.set_timeout(datetime.timedelta(milliseconds=10))
        with pytest.raises(dist.DistStoreError):
            store.get("missing")
    prefixed = dist.PrefixStore("p", dist.HashStore())
    prefixed.set("k", "v")
    assert prefixed.get("k") == b"v" and prefixed.underlying_store.get("p/k") == b"v"


def test_distributed_data_parallel(world):
    torch.manual_seed(0)
    module = torch.nn.Linear(2, 2)
    wrapped = torch.nn.parallel.DistributedDataParallel(module, find_unused_parameters=True)
    x = torch.ones(1, 2)
    with wrapped.no_sync():
        wrapped(x).sum().backward()
    assert wrapped.module is module and list(wrapped.state_dict()) == ["module.weight", "module.bias"]
    assert module.weight.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]] and torch.equal(wrapped(x), module(x))
    with pytest.raises(RuntimeError, match="doesn't have any parameter that requires a gradient"):
        torch.nn.parallel.DistributedDataParallel(torch.nn.ReLU())
    with pytest.raises(ValueError, match="device_ids and output_device arguments only work"):
        torch.nn.parallel.DistributedDataParallel(module, device_ids=[0])


def test_data_parallel_without_gpus():
    module = torch.nn.Linear(2, 2)
    wrapped = torch.nn.DataParallel(module)
    assert torch.equal(wrapped(torch.ones(3, 2)), module(torch.ones(3, 2)))
    assert list(wrapped.state_dict()) == ["module.weight", "module.bias"] and wrapped.device_ids == []


def test_sampler_takes_its_share(world):
    from torchax_lite.utils.data.distributed import DistributedSampler

    assert len(list(DistributedSampler(range(5)))) == 5
    assert list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False)) == [1, 3, 0]


def test_what_needs_several_processes_says_what_to_use():
    with pytest.raises(NotImplementedError, match="jax.distributed"):
        dist.init_device_mesh("cpu", (2,))


def test_torchrun(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys, torch, torch.distributed as dist\n"
        "dist.init_process_group()\n"
        "print(dist.get_rank(), os.environ['LOCAL_RANK'], dist.is_torchelastic_launched(), sys.argv[1:])\n"
    )
    command = [
        sys.executable,
        "-m",
        "torchax_lite.distributed.run",
        "--standalone",
        "--nproc-per-node=1",
        str(script),
        "-x",
    ]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "0 0 True ['-x']"


def _child(i, queue, t):
    queue.put((i, (t * 2).tolist()))


def _fails(i):
    if i == 1:
        raise ValueError("no")


def test_spawned_processes_get_tensors_by_value():
    queue = mp.get_context("spawn").SimpleQueue()
    mp.spawn(_child, (queue, torch.ones(2)), nprocs=1)
    assert queue.get() == (0, [2.0, 2.0])
    with pytest.raises(mp.ProcessRaisedException, match="Process 1 terminated with the following error"):
        mp.spawn(_fails, nprocs=2)


def test_sharing_strategies():
    before = mp.get_sharing_strategy()
    mp.set_sharing_strategy("file_system")
    assert mp.get_sharing_strategy() == "file_system" and mp.cpu_count() == os.cpu_count()
    mp.set_sharing_strategy(before)
    with pytest.raises(AssertionError, match="invalid sharing strategy"):
        mp.set_sharing_strategy("x")
