"""The generator itself: seeds, words, PyTorch's state bytes, copies, threads."""

import copy
import pickle
import threading

import numpy as np
import pytest

import torchax_lite.random as tr

FIELDS = {"seed": (0, "<u8"), "left": (8, "<i4"), "seeded": (12, "<i4"), "next": (16, "<u8"), "normal": (5024, "<f8")}


def field(state, name):
    offset, kind = FIELDS[name]
    return state[offset : offset + np.dtype(kind).itemsize].view(kind)[0]


def changed(state, name, value):
    offset, kind = FIELDS[name]
    state = state.copy()
    state[offset : offset + np.dtype(kind).itemsize] = np.array([value], kind).view(np.uint8)
    return state


def test_words_are_mt19937_of_the_low_32_bits():
    words = np.random.RandomState(7).randint(0, 2**32, 2000, dtype=np.uint32)
    for seed in (7, 2**32 + 7, 7 - 2**32):
        assert np.array_equal(tr.CPUGenerator(seed).words32(2000), words)
    pairs = words.astype(np.uint64).reshape(-1, 2)
    assert np.array_equal(tr.CPUGenerator(7).words64(1000), pairs[:, 0] << np.uint64(32) | pairs[:, 1])


@pytest.mark.parametrize("sizes", [(1,) * 50, (623, 1, 1), (624, 624, 5), (2047, 2048, 2049, 3), (0, 5000, 0, 1)])
def test_words_do_not_depend_on_how_many_are_taken_at_once(sizes):
    g = tr.CPUGenerator(3)
    pieces = np.concatenate([g.words32(n) for n in sizes])
    assert np.array_equal(pieces, tr.CPUGenerator(3).words32(sum(sizes)))


def test_initial_seed():
    assert tr.CPUGenerator().initial_seed() == tr.DEFAULT_SEED == 67280421310721
    g = tr.CPUGenerator()
    assert g.manual_seed(-1) is g
    assert g.initial_seed() == 2**64 - 1
    assert g.manual_seed(-(2**63)).initial_seed() == 2**63
    seeds = {g.seed(), g.seed()}
    assert len(seeds) == 2 and g.initial_seed() in seeds


def test_seeding_forgets_the_cached_normal():
    g = tr.CPUGenerator(0)
    first = tr.normal(g, 3, np.float32)
    assert np.array_equal(tr.normal(g.manual_seed(0), 3, np.float32), first)


def test_state_bytes():
    g = tr.CPUGenerator(12345)
    state = g.get_state()
    assert state.dtype == np.uint8 and state.shape == (5056,)
    assert (field(state, "seed"), field(state, "left"), field(state, "next")) == (12345, 1, 0)
    tr.normal(g, 3, np.float32)
    tr.uniform(g, 2, np.float32)
    state = g.get_state()
    assert (field(state, "left"), field(state, "next"), field(state, "seeded")) == (615, 10, 1)
    assert field(state, "normal") == -2.043951331753674
    tr.uniform(g, 614, np.float32)
    state = g.get_state()
    assert (field(state, "left"), field(state, "next")) == (1, 624)


@pytest.mark.parametrize("drawn", [0, 1, 10, 623, 624, 625, 3000])
@pytest.mark.parametrize("cached", [False, True])
def test_set_state_continues_anywhere_in_a_block(drawn, cached):
    g = tr.CPUGenerator(5)
    g.words32(drawn)
    if cached:
        tr.normal(g, 1, np.float32)
    state = g.get_state()
    others = [tr.CPUGenerator(1).set_state(state), g.clone_state(), copy.deepcopy(g), pickle.loads(pickle.dumps(g))]
    expected = tr.normal(g, 3, np.float64), g.words32(700), g.get_state()
    for other in others:
        assert other.initial_seed() == 5
        assert np.array_equal(tr.normal(other, 3, np.float64), expected[0])
        assert np.array_equal(other.words32(700), expected[1])
        assert np.array_equal(other.get_state(), expected[2])


def test_set_state_takes_any_shape_and_leaves_the_array_alone():
    g = tr.CPUGenerator(5)
    state = g.get_state()
    kept = state.copy()
    assert g.set_state(state.reshape(2, -1)) is g
    g.words32(9)
    assert np.array_equal(state, kept)


def test_set_state_refuses_what_pytorch_refuses():
    g = tr.CPUGenerator(5)
    state = g.get_state()
    for bad, error, text in (
        (state.astype(np.float32), TypeError, "RNG state must be a torch.ByteTensor"),
        (state[:3].copy(), RuntimeError, "Expected a CPUGeneratorImplState of size 5056 but found the input RNG state"),
        (np.zeros(2 * 5056, np.uint8)[::2], RuntimeError, "RNG state must be contiguous"),
        (np.zeros(5056, np.uint8), RuntimeError, "Invalid mt19937 state"),
        (changed(state, "left", 0), RuntimeError, "Invalid mt19937 state"),
        (changed(state, "left", 625), RuntimeError, "Invalid mt19937 state"),
        (changed(state, "left", -1), RuntimeError, "Invalid mt19937 state"),
        (changed(state, "seeded", 0), RuntimeError, "Invalid mt19937 state"),
        (changed(state, "next", 625), RuntimeError, "Invalid mt19937 state"),
    ):
        with pytest.raises(error, match=text):
            g.set_state(bad)
    assert np.array_equal(g.get_state(), state)


def test_a_sampler_that_reads_ahead_hands_back_what_it_did_not_use():
    g, h = tr.CPUGenerator(1), tr.CPUGenerator(1)
    expected = h.doubles(70)
    with g.stream_of_doubles(5) as uniforms:
        taken = [next(uniforms) for _ in range(67)]
    assert taken == expected[:67].tolist()
    assert np.array_equal(g.doubles(3), expected[67:])
    before = g.get_state()
    with g.stream_of_doubles(5):
        pass
    assert np.array_equal(g.get_state(), before)


def test_fills_from_threads_do_not_interleave():
    g = tr.CPUGenerator(0)
    whole = tr.uniform(tr.CPUGenerator(0), 64 * 500, np.float32).reshape(64, 500)
    results = []

    def work():
        for _ in range(16):
            results.append(tr.uniform(g, 500, np.float32).tobytes())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(row.tobytes() for row in whole)
