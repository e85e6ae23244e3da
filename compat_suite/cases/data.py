"""``torch.utils.data`` and random numbers."""

from __future__ import annotations

from typing import Any

from ..registry import case, raises, same


@case("torch.utils.data.DataLoader")
def collates_fields_into_batches(torch: Any) -> None:
    data = [{"x": torch.tensor([float(i)]), "y": i, "name": str(i)} for i in range(5)]
    batches = list(torch.utils.data.DataLoader(data, batch_size=2))
    assert [len(b["name"]) for b in batches] == [2, 2, 1]
    same(batches[0]["x"], torch.tensor([[0.0], [1.0]]))
    same(batches[2]["y"], torch.tensor([4]))


@case("torch.utils.data.DataLoader")
def shuffles_by_the_generator(torch: Any) -> None:
    order = [
        b.item()
        for b in torch.utils.data.DataLoader(range(5), shuffle=True, generator=torch.Generator().manual_seed(1))
    ]
    again = [
        b.item()
        for b in torch.utils.data.DataLoader(range(5), shuffle=True, generator=torch.Generator().manual_seed(1))
    ]
    assert order == again and sorted(order) == [0, 1, 2, 3, 4]


@case("torch.utils.data.DataLoader")
def options_that_exclude_each_other_raise(torch: Any) -> None:
    loader, sampler = torch.utils.data.DataLoader, torch.utils.data.SequentialSampler(range(3))
    raises(
        ValueError, "sampler option is mutually exclusive with shuffle", loader, range(3), sampler=sampler, shuffle=True
    )
    assert len(loader(range(5), batch_size=2, drop_last=True)) == 2


@case("torch.utils.data.random_split")
def fractions_cover_the_data_set(torch: Any) -> None:
    parts = torch.utils.data.random_split(range(10), [0.75, 0.25], torch.Generator().manual_seed(0))
    assert [len(p) for p in parts] == [8, 2] and sorted([*parts[0], *parts[1]]) == list(range(10))


@case("torch.utils.data.TensorDataset")
def tensors_are_indexed_together(torch: Any) -> None:
    x, y = torch.utils.data.TensorDataset(torch.arange(3), torch.arange(3) * 2)[1]
    assert (x.item(), y.item()) == (1, 2)


@case("torch.utils.data.ConcatDataset")
def indices_run_on_and_may_be_negative(torch: Any) -> None:
    both = torch.utils.data.ConcatDataset([["a", "b"], ["c"]])
    assert len(both) == 3 and both[2] == both[-1] == "c"


@case("torch.utils.data.WeightedRandomSampler")
def zero_weights_are_never_drawn(torch: Any) -> None:
    assert set(torch.utils.data.WeightedRandomSampler([0.0, 1.0, 3.0], 50)) <= {1, 2}


@case("torch.manual_seed", "notes/randomness.html")
def fixes_the_stream_of_numbers(torch: Any) -> None:
    same(torch.rand(3), torch.tensor([0.49625658988952637, 0.7682217955589294, 0.08847743272781372]))
    torch.manual_seed(0)
    same(torch.rand(3), torch.tensor([0.49625658988952637, 0.7682217955589294, 0.08847743272781372]))


@case("torch.get_rng_state")
def state_can_be_saved_and_restored(torch: Any) -> None:
    state = torch.get_rng_state()
    first = torch.randn(5)
    torch.set_rng_state(state)
    same(torch.randn(5), first)
    assert state.dtype == torch.uint8


@case("torch.Generator")
def has_a_stream_of_its_own(torch: Any) -> None:
    expected = torch.rand(2)
    torch.manual_seed(0)
    torch.rand(7, generator=torch.Generator().manual_seed(3))
    same(torch.rand(2), expected)


@case("torch.randperm")
def permutes_all_numbers(torch: Any) -> None:
    same(torch.randperm(6), torch.tensor([2, 5, 3, 0, 1, 4]))
    assert torch.randperm(100).sort().values.tolist() == list(range(100))


@case("torch.randint")
def high_is_excluded(torch: Any) -> None:
    draws = torch.randint(2, 5, (200,))
    assert draws.dtype == torch.int64 and set(draws.tolist()) == {2, 3, 4}
    raises(RuntimeError, "random_ expects 'from' to be less than 'to'", torch.randint, 5, 5, (1,))


@case("torch.bernoulli")
def checks_probabilities(torch: Any) -> None:
    assert set(torch.bernoulli(torch.full((50,), 0.5)).tolist()) == {0.0, 1.0}
    raises(
        RuntimeError,
        "Expected p_in >= 0 && p_in <= 1 to be true",
        lambda: torch.bernoulli(torch.tensor([2.0])).tolist(),
    )


@case("torch.multinomial")
def draws_without_replacement_are_distinct(torch: Any) -> None:
    assert sorted(torch.multinomial(torch.ones(4), 4).tolist()) == [0, 1, 2, 3]
    raises(RuntimeError, "cannot sample n_sample > prob_dist.size(-1) samples without replacement",
           torch.multinomial, torch.ones(2), 3)  # fmt: skip
