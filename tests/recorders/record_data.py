"""Record PyTorch's loading orders and random positions: writes ``tests/data/data_loading.json``.

    python tests/recorders/record_data.py      (in an environment with PyTorch 2.13)

``CASES`` maps a name to a function of the ``torch`` module; the tests run the same functions with ours.
"""

import importlib
import itertools
import json
import pathlib
import random
import re
import warnings

import numpy as np

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "data_loading.json"

CASES = {}


def case(fn):
    CASES[fn.__name__] = fn
    return fn


def batches(loader):
    return [batch.tolist() for batch in loader]


def position(torch, generator=None):
    """Two further draws: they tell where the stream stands."""
    return torch.randint(1 << 20, (2,), generator=generator).tolist()


@case
def shuffle_two_epochs(torch):
    torch.manual_seed(0)
    loader = torch.utils.data.DataLoader(range(23), batch_size=4, shuffle=True)
    return [batches(loader), batches(loader), position(torch)]


@case
def shuffle_two_epochs_generator(torch):
    torch.manual_seed(0)
    g = torch.Generator()
    g.manual_seed(7)
    loader = torch.utils.data.DataLoader(range(23), batch_size=4, shuffle=True, drop_last=True, generator=g)
    return [batches(loader), batches(loader), position(torch), position(torch, g)]


@case
def sequential_draws_the_base_seed(torch):
    torch.manual_seed(3)
    loader = torch.utils.data.DataLoader(range(5), batch_size=2)
    return [batches(loader), batches(loader), position(torch)]


@case
def an_iterator_draws_before_its_first_batch(torch):
    torch.manual_seed(3)
    loader = torch.utils.data.DataLoader(range(9), batch_size=3, shuffle=True)
    iterator = iter(loader)
    before = position(torch)
    first = next(iterator).tolist()
    return [before, first, position(torch), batches(iterator), position(torch)]


@case
def tensor_dataset_batches(torch):
    torch.manual_seed(1)
    x = torch.arange(26).reshape(13, 2)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x[:, 0] * 10), batch_size=5, shuffle=True)
    return [[[field.tolist() for field in batch] for batch in loader] for _ in range(2)]


@case
def random_sampler_without_replacement_longer(torch):
    torch.manual_seed(5)
    sampler = torch.utils.data.RandomSampler(range(7), num_samples=17)
    return [list(sampler), list(sampler), position(torch)]


@case
def random_sampler_generator_position(torch):
    g = torch.Generator().manual_seed(11)
    sampler = torch.utils.data.RandomSampler(range(7), generator=g)
    return [list(sampler), position(torch, g), list(sampler), position(torch, g)]


@case
def random_sampler_with_replacement(torch):
    torch.manual_seed(6)
    sampler = torch.utils.data.RandomSampler(range(100), replacement=True, num_samples=70)
    g = torch.Generator().manual_seed(2)
    drawn = list(torch.utils.data.RandomSampler(range(50), replacement=True, generator=g))
    return [list(sampler), position(torch), drawn, position(torch, g)]


@case
def subset_random_sampler(torch):
    torch.manual_seed(8)
    sampler = torch.utils.data.SubsetRandomSampler([3, 1, 4, 15, 9, 26])
    return [list(sampler), list(sampler), position(torch)]


@case
def weighted_random_sampler(torch):
    torch.manual_seed(9)
    weights = [0.5, 3.0, 0.25, 1.0, 2.0]
    sampler = torch.utils.data.WeightedRandomSampler(weights, 20)
    once = torch.utils.data.WeightedRandomSampler(weights, 4, replacement=False)
    g = torch.Generator().manual_seed(1)
    own = torch.utils.data.WeightedRandomSampler(torch.tensor(weights), 6, generator=g)
    return [list(sampler), list(once), list(own), position(torch), position(torch, g)]


@case
def random_split(torch):
    torch.manual_seed(10)
    data = list(range(11))
    parts = torch.utils.data.random_split(data, [3, 8])
    fractions = torch.utils.data.random_split(data, [0.3, 0.3, 0.4], generator=torch.Generator().manual_seed(42))
    return [[list(part) for part in parts], [list(part) for part in fractions], position(torch)]


@case
def distributed_sampler(torch):
    sampler_class = torch.utils.data.DistributedSampler
    out = []
    for n, replicas in [(10, 3), (9, 3), (2, 5)]:
        for shuffle in (False, True):
            for drop_last in (False, True):
                for rank in range(replicas):
                    sampler = sampler_class(range(n), replicas, rank, shuffle=shuffle, seed=5, drop_last=drop_last)
                    sampler.set_epoch(2)
                    out.append([n, rank, len(sampler), list(sampler)])
    return out


# ---------------------------------------------------------------- with workers


SAMPLERS = {
    "sequential": lambda data, g: {},
    "shuffle": lambda data, g: {"shuffle": True},
    "replacement": lambda data, g: {"sampler": data.RandomSampler(range(23), True, 30, g)},
    "weighted": lambda data, g: {
        "sampler": data.WeightedRandomSampler([1.0 + i % 3 for i in range(23)], 25, generator=g)
    },
    "subset": lambda data, g: {"sampler": data.SubsetRandomSampler(range(2, 17), g)},
    "distributed": lambda data, g: {"sampler": data.DistributedSampler(range(23), 2, 1, seed=3)},
    "batches": lambda data, g: {
        "batch_sampler": data.BatchSampler(data.RandomSampler(range(23), generator=g), 6, True)
    },
    "single": lambda data, g: {"batch_size": None, "shuffle": True},
}


def two_epochs(torch, workers, persistent, own, sampler):
    """Two epochs of a loader, and where the streams of random numbers stand before, between and after them."""
    data = torch.utils.data
    torch.manual_seed(17)
    g = torch.Generator().manual_seed(5) if own else None
    options = {"batch_size": 4, **SAMPLERS[sampler](data, g)}
    if "batch_sampler" in options:
        del options["batch_size"]
    options = {"num_workers": workers, "persistent_workers": persistent, "generator": g, **options}
    loader = data.DataLoader(range(23), **options)
    out = []
    for epoch in range(2):
        if sampler == "distributed":
            loader.sampler.set_epoch(epoch)
        rows = [b if isinstance(b, int) else b.tolist() for b in loader]
        out.append([rows, position(torch), position(torch, g) if own else None])
    return out


def every_combination(torch, workers):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            f"{sampler} persistent={persistent} generator={own}": two_epochs(torch, workers, persistent, own, sampler)
            for sampler, persistent, own in itertools.product(
                SAMPLERS, (False, True)[: 1 + (workers > 0)], (False, True)
            )
        }


@case
def workers_0(torch):
    return every_combination(torch, 0)


@case
def workers_1(torch):
    return every_combination(torch, 1)


@case
def workers_4(torch):
    return every_combination(torch, 4)


def draws_dataset(torch):
    """A dataset whose samples are draws from every generator of its worker."""

    class Draws:
        def __len__(self):
            return 6

        def __getitem__(self, i):
            info = torch.utils.data.get_worker_info()
            torch_draws = [torch.rand(()).item(), torch.randint(1000, ()).item(), torch.initial_seed()]
            return [info.id, info.num_workers, info.seed, *torch_draws, random.random(), float(np.random.rand())]

    return Draws()


@case
def worker_seeds(torch):
    torch.manual_seed(2)
    out = []
    for persistent in (False, True):
        g = torch.Generator().manual_seed(2**40 + 9)
        for generator in (None, g):
            loader = torch.utils.data.DataLoader(
                draws_dataset(torch), None, num_workers=2, persistent_workers=persistent, generator=generator
            )
            out.append([list(loader), list(loader)])
    return out


@case
def worker_seeds_and_init_fn(torch):
    def init(worker_id):
        random.seed(worker_id)
        np.random.seed(7 + worker_id)
        torch.manual_seed(torch.initial_seed() % 100 + worker_id)

    torch.manual_seed(4)
    loader = torch.utils.data.DataLoader(draws_dataset(torch), 2, num_workers=2, worker_init_fn=init, collate_fn=list)
    return list(loader)


@case
def streams_with_workers(torch):
    """An iterable dataset is given out once by each worker; a worker that ends early gets no more work."""

    class Stream(torch.utils.data.IterableDataset):
        def __init__(self, split):
            self.split = split

        def __iter__(self):
            info = torch.utils.data.get_worker_info()
            if not self.split or info is None:
                return iter(range(7))
            return iter(range(info.id, 20 if info.id == 1 else 9, info.num_workers))

    out = []
    for split, workers, persistent in itertools.product((False, True), (0, 1, 3), (False, True)):
        if persistent and not workers:
            continue
        for options in ({}, {"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                loader = torch.utils.data.DataLoader(
                    Stream(split), num_workers=workers, persistent_workers=persistent, **options
                )
                out.append([[b if isinstance(b, int) else b.tolist() for b in loader] for _ in range(2)])
    return out


@case
def datasets_of_datasets_with_workers(torch):
    data = torch.utils.data
    x = torch.arange(12.0).reshape(6, 2)
    stacked = data.StackDataset(data.TensorDataset(x), range(6))
    named = data.StackDataset(a=list(range(6)), b=data.TensorDataset(x, x[:, 0]))
    joined = data.ConcatDataset([range(5), data.Subset(range(100), [7, 50, 3]), [100, 200]])
    out = []
    for workers in (0, 2):
        for dataset in (stacked, named, joined):
            torch.manual_seed(12)
            out.append([plain(b) for b in data.DataLoader(dataset, 4, shuffle=True, num_workers=workers)])
        for lengths in ([0.5, 0.25, 0.25], [0.33, 0.33], [4, 6]):
            torch.manual_seed(13)
            try:
                parts = data.random_split(joined, lengths)
                out.append([plain(b) for part in parts for b in data.DataLoader(part, 3, num_workers=workers)])
            except ValueError as error:
                out.append(str(error))
    return out


def plain(value):
    """A batch as nested lists."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.tolist() if hasattr(value, "tolist") else value


@case
def chains_of_streams_with_workers(torch):
    class Stream(torch.utils.data.IterableDataset):
        def __init__(self, start, n):
            self.start, self.n = start, n

        def __iter__(self):
            info = torch.utils.data.get_worker_info()
            skip, step = (0, 1) if info is None else (info.id, info.num_workers)
            return iter(range(self.start + skip, self.start + self.n, step))

    chain = torch.utils.data.ChainDataset([Stream(0, 5), Stream(100, 3)]) + Stream(1000, 4)
    return [[plain(b) for b in torch.utils.data.DataLoader(chain, 3, num_workers=n)] for n in (0, 1, 2)]


@case
def collation_by_own_types(torch):
    collation = importlib.import_module(f"{torch.__name__}.utils.data._utils.collate")
    collate, default_collate_fn_map = collation.collate, collation.default_collate_fn_map

    class Box:
        def __init__(self, value):
            self.value = value

    def boxes(batch, *, collate_fn_map=None):
        return "+".join(str(box.value) for box in batch)

    table = {
        Box: boxes,
        **default_collate_fn_map,
        (set, frozenset): lambda batch, *, collate_fn_map=None: sorted(set().union(*batch)),
    }
    batch = [{"box": Box(i), "set": {i, 10 * i}, "x": [np.float32(i), (i, "s")], "b": bool(i)} for i in range(3)]
    out = [plain(collate(batch, collate_fn_map=table))]
    loader = torch.utils.data.DataLoader(batch, 2, num_workers=1, collate_fn=lambda b: collate(b, collate_fn_map=table))
    out.append([plain(b) for b in loader])
    for wrong in ([object()], [[1, 2], [3]], [{1}]):
        try:
            torch.utils.data.default_collate(wrong)
        except (TypeError, RuntimeError) as error:
            out.append([type(error).__name__, str(error).split(" at 0x")[0]])
    return out


@case
def out_of_order_with_one_worker_and_all_at_once(torch):
    torch.manual_seed(3)
    options = {"batch_size": 3, "shuffle": True, "in_order": False}
    out = [batches(torch.utils.data.DataLoader(range(13), num_workers=1, drop_last=True, **options)) for _ in range(2)]
    many = batches(torch.utils.data.DataLoader(range(13), num_workers=3, **options))
    return [*out, sorted(many), position(torch)]


# ---------------------------------------------------------------- data pipes


def add_one(x):
    return x + 1


def is_odd(x):
    return x % 2 == 1


@case
def pipes(torch):
    kinds = torch.utils.data.datapipes
    wrap = kinds.iter.IterableWrapper
    torch.manual_seed(3)
    dp = wrap(range(20)).map(add_one).filter(is_odd).shuffle(buffer_size=4)
    out = [list(dp), list(dp), len(wrap(range(5)).batch(2)), list(wrap(range(7)).batch(2).unbatch())]
    a, b = wrap(range(10)).demux(2, lambda x: x % 2)
    c, d = wrap(range(10)).fork(2)
    out += [[list(a), list(b)], list(c.zip(d)), list(c.mux(d)), list(wrap([1]).concat(wrap([2, 3])))]
    out.append(list(wrap(["a.png", "b.png", "a.json", "c.json"]).groupby(lambda f: f[0], keep_key=True)))
    out.append(list(wrap(range(9)).groupby(lambda x: x % 3, group_size=2, buffer_size=4, drop_remaining=True)))
    pairs = wrap([(1, 2, 3), (4, 5, 6)])
    out += [list(pairs.map(add_one, input_col=1)), list(pairs.map(lambda x, y: x + y, input_col=[0, 2]))]
    out.append(list(pairs.map(lambda x, y: x + y, input_col=[0, 2], output_col=-1)))
    sequence = kinds.map.SequenceWrapper(range(10))
    out += [list(sequence.map(add_one).batch(3)), list(sequence.shuffle()), list(sequence.zip(sequence.map(add_one)))]
    out += [plain(list(wrap(range(4)).batch(2).collate())), repr(dp), position(torch)]
    return json.loads(json.dumps(out))


@case
def pipes_in_loaders(torch):
    out = []
    for workers, shuffle, persistent in itertools.product((0, 1, 2), (None, True, False), (False, True)):
        if persistent and not workers:
            continue
        dp = torch.utils.data.datapipes.iter.IterableWrapper(range(23)).shuffle().sharding_filter().map(add_one)
        g = torch.Generator().manual_seed(5)
        torch.manual_seed(1)
        loader = torch.utils.data.DataLoader(
            dp, 4, shuffle=shuffle, num_workers=workers, generator=g, persistent_workers=persistent
        )
        out.append([batches(loader), batches(loader), position(torch), position(torch, g)])
    return out


@case
def pipes_that_fail(torch):
    wrap = torch.utils.data.datapipes.iter.IterableWrapper
    source = wrap(range(5))
    first = iter(source)
    next(first)
    next(iter(source))

    def divide(x):
        return x // 0

    programs = [
        lambda: next(first), lambda: list(wrap([1]).map(divide)), lambda: source.nothing, lambda: list(wrap([1]).filter(add_one)),
        lambda: wrap([1]).map(3), lambda: wrap([1]).map(lambda x, y: x), lambda: list(wrap([[1]]).unbatch(2)),
        lambda: len(wrap(x for x in ())), lambda: wrap([1]).batch(0), lambda: wrap([1]).demux(0, add_one),
        lambda: list(wrap(range(9)).fork(2, buffer_size=2)[0]), lambda: list(wrap([5]).demux(2, add_one)[0]),
    ]  # fmt: skip
    out = []
    for program in programs:
        try:
            program()
        except Exception as error:
            out.append([type(error).__name__, re.sub(r" at 0x[0-9a-f]+", "", str(error))])
        else:
            out.append("no error")
    return out


def main():
    import torch

    rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(fn(torch))}" for name, fn in CASES.items())
    OUT.write_text("{\n" + rows + "\n}\n")
    print(f"{OUT}: {len(CASES)} cases")


if __name__ == "__main__":
    main()
