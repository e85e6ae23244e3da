"""Random numbers, data, files, linear algebra, transforms, attributes of tensors, distributions, testing."""

from __future__ import annotations

import io
import math
import pickle
from typing import Any

from ..registry import case, raises, same

SERIALIZATION = "notes/serialization.html"
ATTRIBUTES = "tensor_attributes.html"


@case("torch.randn")
def same_seed_same_numbers_for_any_shape_of_one_size(torch: Any) -> None:
    a = torch.randn(2, 8)
    torch.manual_seed(0)
    same(torch.randn(16).view(2, 8), a)


@case("torch.normal")
def tensors_of_means_and_deviations(torch: Any) -> None:
    same(torch.normal(torch.tensor([1.0, 2.0]), torch.zeros(2)), torch.tensor([1.0, 2.0]))
    assert torch.normal(0.0, 1.0, (2, 3)).shape == (2, 3)
    raises(RuntimeError, "normal expects std >= 0.0, but found std -1", torch.normal, 0.0, -1.0, (1,))


@case("torch.Tensor.uniform_")
def bounds_are_checked(torch: Any) -> None:
    x = torch.empty(200).uniform_(2, 3)
    assert x.min().item() >= 2 and x.max().item() < 3
    raises(RuntimeError, "uniform_ expects to return a [from, to) range, but found from=3 > to=2", x.uniform_, 3, 2)


@case("torch.Tensor.random_")
def covers_what_the_dtype_holds(torch: Any) -> None:
    draws = torch.empty(500, dtype=torch.uint8).random_()
    assert draws.max().item() > 200
    assert set(torch.empty(100).random_(2, 4).tolist()) == {2.0, 3.0}


@case("torch.initial_seed")
def is_what_was_set(torch: Any) -> None:
    torch.manual_seed(1234)
    assert torch.initial_seed() == 1234 and torch.Generator().manual_seed(5).initial_seed() == 5


@case("torch.random.fork_rng", "random.html")
def the_outer_stream_goes_on(torch: Any) -> None:
    expected = torch.rand(3)
    torch.manual_seed(0)
    with torch.random.fork_rng():
        torch.rand(100)
    same(torch.rand(3), expected)


@case("torch.poisson")
def rates_are_not_negative(torch: Any) -> None:
    same(torch.poisson(torch.zeros(3)), torch.zeros(3))
    raises(
        RuntimeError,
        "invalid Poisson rate, expected rate to be non-negative",
        lambda: torch.poisson(-torch.ones(1)).tolist(),
    )


@case("torch.utils.data.DataLoader")
def workers_none_gives_samples_without_batch(torch: Any) -> None:
    loader = torch.utils.data.DataLoader([1, 2, 3], batch_size=None)
    assert list(loader) == [1, 2, 3] and len(loader) == 3


@case("torch.utils.data.DataLoader")
def iterable_data_sets_have_no_sampler(torch: Any) -> None:
    class Count(torch.utils.data.IterableDataset):
        def __iter__(self) -> Any:
            return iter(range(5))

    assert [b.tolist() for b in torch.utils.data.DataLoader(Count(), batch_size=2)] == [[0, 1], [2, 3], [4]]
    raises(ValueError, "DataLoader with IterableDataset: expected unspecified shuffle option",
           torch.utils.data.DataLoader, Count(), shuffle=True)  # fmt: skip


@case("torch.utils.data.default_collate")
def structures_are_kept(torch: Any) -> None:
    collate = torch.utils.data.default_collate
    assert collate([("a", 1.5), ("b", 2.5)])[0] == ("a", "b")
    same(collate([0.5, 1.5]), torch.tensor([0.5, 1.5], dtype=torch.float64))
    same(collate([{"x": 1}, {"x": 2}])["x"], torch.tensor([1, 2]))
    raises(
        TypeError,
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists",
        collate,
        [object()],
    )
    raises(RuntimeError, "each element in list of batch should be of equal size", collate, [[1], [1, 2]])


@case("torch.utils.data.BatchSampler")
def last_batch_may_be_dropped(torch: Any) -> None:
    data = torch.utils.data
    assert list(data.BatchSampler(data.SequentialSampler(range(5)), 2, True)) == [[0, 1], [2, 3]]
    raises(ValueError, "batch_size should be a positive integer value", data.BatchSampler, range(3), 0, False)


@case("torch.utils.data.RandomSampler")
def replacement_allows_more_than_there_is(torch: Any) -> None:
    data = torch.utils.data
    assert len(list(data.RandomSampler(range(3), replacement=True, num_samples=10))) == 10
    assert sorted(data.RandomSampler(range(4))) == [0, 1, 2, 3]


@case("torch.utils.data.Subset")
def indices_choose(torch: Any) -> None:
    subset = torch.utils.data.Subset("abcd", [3, 1])
    assert [subset[0], subset[1], len(subset)] == ["d", "b", 2]


@case("torch.utils.data.TensorDataset")
def first_sizes_have_to_agree(torch: Any) -> None:
    raises(
        AssertionError, "Size mismatch between tensors", torch.utils.data.TensorDataset, torch.ones(2), torch.ones(3)
    )


@case("torch.utils.data.StackDataset")
def names_or_places(torch: Any) -> None:
    data = torch.utils.data
    assert data.StackDataset([1, 2], "ab")[1] == (2, "b") and data.StackDataset(x=[1, 2])[0] == {"x": 1}


@case("torch.utils.data.random_split")
def lengths_have_to_add_up(torch: Any) -> None:
    raises(ValueError, "Sum of input lengths does not equal the length of the input dataset",
           torch.utils.data.random_split, range(3), [1, 1])  # fmt: skip


@case("torch.load")
def refuses_arbitrary_objects_by_default(torch: Any) -> None:
    buffer = io.BytesIO()
    torch.save(io.StringIO, buffer)
    buffer.seek(0)
    raises(pickle.UnpicklingError, "Weights only load failed", torch.load, buffer)


@case("torch.load")
def keeps_dtype_strides_and_requires_grad(torch: Any) -> None:
    x = torch.arange(6.0, dtype=torch.float64).view(2, 3).t().requires_grad_()
    buffer = io.BytesIO()
    torch.save(x, buffer)
    buffer.seek(0)
    y = torch.load(buffer)
    same(y, x)
    assert y.stride() == (1, 3) and y.requires_grad


@case("torch.save", SERIALIZATION)
def views_keep_their_whole_storage(torch: Any) -> None:
    large = torch.arange(1000)
    whole, part = io.BytesIO(), io.BytesIO()
    torch.save(large[:2], whole)
    torch.save(large[:2].clone(), part)
    assert len(whole.getvalue()) > 8000 > len(part.getvalue())


@case("torch.Tensor", SERIALIZATION)
def can_be_pickled_and_copied(torch: Any) -> None:
    import copy

    x = torch.ones(2, requires_grad=True)
    y = pickle.loads(pickle.dumps(x))
    same(y, x)
    assert y.requires_grad and copy.deepcopy(x).requires_grad
    raises(RuntimeError, "Only Tensors created explicitly by the user", copy.deepcopy, x * 2)


@case("torch.device", ATTRIBUTES)
def names_have_a_type_and_an_index(torch: Any) -> None:
    assert torch.device("cpu").type == "cpu" and torch.device("cuda:1").index == 1
    assert torch.device("cuda", 0) == torch.device("cuda:0") and str(torch.device("cpu")) == "cpu"
    raises(RuntimeError, "Expected one of cpu, cuda", torch.device, "nowhere")


@case("torch.dtype", ATTRIBUTES)
def knows_its_kind(torch: Any) -> None:
    assert torch.float32.is_floating_point and torch.complex64.is_complex and not torch.int8.is_floating_point
    assert torch.float is torch.float32 and torch.long is torch.int64 and repr(torch.half) == "torch.float16"
    assert torch.bfloat16.itemsize == 2 and torch.complex128.to_real() == torch.float64


@case("torch.Size", "size.html")
def is_a_tuple(torch: Any) -> None:
    size = torch.zeros(2, 3).size()
    assert isinstance(size, tuple) and size.numel() == 6 and size[0] == 2 and repr(size) == "torch.Size([2, 3])"
    assert isinstance(size[1:], torch.Size) and size + (4,) == (2, 3, 4)


@case("torch.Tensor.item")
def needs_one_element(torch: Any) -> None:
    assert torch.tensor([[5]]).item() == 5 and isinstance(torch.tensor(1.5).item(), float)
    raises(RuntimeError, "a Tensor with 2 elements cannot be converted to Scalar", torch.ones(2).item)


@case("torch.Tensor", "tensors.html")
def truth_and_conversion(torch: Any) -> None:
    assert bool(torch.tensor([2.0])) and int(torch.tensor(3.7)) == 3 and [10, 20][torch.tensor(1)] == 20
    raises(RuntimeError, "Boolean value of Tensor with more than one value is ambiguous", bool, torch.ones(2))
    raises(TypeError, "len() of a 0-d tensor", len, torch.tensor(1))
    raises(TypeError, "iteration over a 0-d tensor", list, torch.tensor(1))


@case("torch.Tensor", "tensors.html")
def membership_and_equality(torch: Any) -> None:
    x = torch.tensor([1, 2])
    assert 2 in x and 3 not in x and hash(x) == id(x)
    same(x == torch.tensor([1, 3]), torch.tensor([True, False]))
    assert (x == None) is False  # noqa: E711


@case("torch.Tensor.stride")
def is_counted_in_elements(torch: Any) -> None:
    x = torch.zeros(2, 3, 4, dtype=torch.float64)
    assert x.stride() == (12, 4, 1) and x.stride(1) == 4 and x[1, 1:].storage_offset() == 16
    assert x.element_size() == 8 and x.nbytes == 192 and x.dim() == x.ndim == 3


@case("torch.Tensor.is_contiguous")
def channels_last_is_another_order(torch: Any) -> None:
    x = torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    assert x.stride() == (60, 1, 15, 3) and not x.is_contiguous()
    assert x.is_contiguous(memory_format=torch.channels_last)


@case("torch.Tensor.set_")
def shares_the_other_storage(torch: Any) -> None:
    x, y = torch.zeros(2), torch.arange(3.0)
    x.set_(y)
    x[0] = 9
    same(y, torch.tensor([9.0, 1.0, 2.0]))


@case("torch.Tensor.resize_")
def keeps_elements_that_fit(torch: Any) -> None:
    x = torch.arange(6).view(2, 3)
    same(x.resize_(2, 2), torch.tensor([[0, 1], [2, 3]]))
    raises(RuntimeError, "cannot resize variables that require grad", torch.ones(1, requires_grad=True).resize_, 2)


@case("torch.Tensor.new_tensor")
def copies_and_takes_the_dtype(torch: Any) -> None:
    base = torch.ones(1, dtype=torch.int8)
    assert base.new_zeros(2, 3).dtype == torch.int8 and base.new_full((1,), 3).item() == 3
    same(base.new_tensor([1, 2]), torch.tensor([1, 2], dtype=torch.int8))


@case("torch.Tensor.type_as")
def casts_like_another_tensor(torch: Any) -> None:
    assert torch.ones(1).type_as(torch.tensor([1])).dtype == torch.int64
    assert torch.ones(1).type() == "torch.FloatTensor" and torch.ones(1).type(torch.float64).dtype == torch.float64


@case("torch.add", "notes/broadcasting.html")
def sizes_are_compared_from_the_end(torch: Any) -> None:
    assert (torch.zeros(5, 3, 4, 1) + torch.zeros(3, 1, 1)).shape == (5, 3, 4, 1)
    assert (torch.zeros(0, 1) + torch.zeros(3)).shape == (0, 3)


@case("torch.add", "notes/broadcasting.html")
def out_is_resized_but_not_cast_down(torch: Any) -> None:
    out = torch.zeros(0)
    assert torch.add(torch.ones(2), 1, out=out) is out
    same(out, torch.full((2,), 2.0))
    raises(RuntimeError, "result type Float can't be cast to the desired output type Long",
           torch.add, torch.ones(2), 1, out=torch.zeros(2, dtype=torch.int64))  # fmt: skip


@case("torch.can_cast")
def kinds_only_go_up(torch: Any) -> None:
    assert torch.can_cast(torch.float64, torch.float16) and torch.can_cast(torch.int64, torch.float16)
    assert not torch.can_cast(torch.float32, torch.int64) and not torch.can_cast(torch.complex64, torch.float64)
    assert torch.can_cast(torch.bool, torch.uint8) and not torch.can_cast(torch.int8, torch.bool)


@case("torch.as_tensor")
def shares_where_it_can(torch: Any) -> None:
    import numpy as np

    array = np.zeros(2, dtype=np.float32)
    t = torch.as_tensor(array)
    t[0] = 1
    assert array[0] == 1 and torch.as_tensor(t) is t
    assert torch.asarray(array, copy=True).data_ptr() != t.data_ptr()


@case("torch.empty_like")
def dense_tensors_keep_their_strides(torch: Any) -> None:
    x = torch.zeros(2, 3).t()
    assert torch.empty_like(x).stride() == (1, 3) and torch.ones_like(x, dtype=torch.int8).dtype == torch.int8
    assert torch.empty_strided((2, 2), (1, 2)).stride() == (1, 2)


@case("torch.logspace")
def base_is_ten(torch: Any) -> None:
    same(torch.logspace(0, 2, 3), torch.tensor([1.0, 10.0, 100.0]), atol=1e-4)
    same(torch.logspace(0, 3, 4, base=2), torch.tensor([1.0, 2.0, 4.0, 8.0]), atol=1e-5)
    same(torch.vander(torch.tensor([1, 2, 3]), 3), torch.tensor([[1, 1, 1], [4, 2, 1], [9, 3, 1]]))


@case("torch.linalg.solve")
def columns_or_vectors(torch: Any) -> None:
    a = torch.tensor([[2.0, 0.0], [0.0, 4.0]])
    same(torch.linalg.solve(a, torch.tensor([2.0, 4.0])), torch.tensor([1.0, 1.0]))
    same(torch.linalg.solve(a, torch.eye(2), left=False), torch.tensor([[0.5, 0.0], [0.0, 0.25]]))


@case("torch.linalg.inv")
def singular_matrices_raise(torch: Any) -> None:
    raises(torch.linalg.LinAlgError, "The diagonal element 1 is zero, the inversion could not be completed because the input matrix is singular",
           lambda: torch.linalg.inv(torch.zeros(2, 2)).tolist())  # fmt: skip
    raises(RuntimeError, "must be batches of square matrices", torch.linalg.inv, torch.ones(2, 3))


@case("torch.linalg.cholesky")
def lower_triangle_of_positive_matrices(torch: Any) -> None:
    a = torch.tensor([[4.0, 2.0], [2.0, 5.0]])
    same(torch.linalg.cholesky(a), torch.tensor([[2.0, 0.0], [1.0, 2.0]]))
    same(torch.linalg.cholesky(a, upper=True), torch.tensor([[2.0, 1.0], [0.0, 2.0]]))
    raises(torch.linalg.LinAlgError, "the input is not positive-definite", lambda: torch.linalg.cholesky(-a).tolist())


@case("torch.linalg.svd")
def reduced_or_full(torch: Any) -> None:
    a = torch.tensor([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    u, s, vh = torch.linalg.svd(a)
    assert u.shape == (3, 3) and vh.shape == (2, 2)
    same(s, torch.tensor([4.0, 3.0]), atol=1e-5)
    assert torch.linalg.svd(a, full_matrices=False).U.shape == (3, 2)
    same(torch.linalg.svdvals(a), torch.tensor([4.0, 3.0]), atol=1e-5)


@case("torch.linalg.eigh")
def values_ascend(torch: Any) -> None:
    values, vectors = torch.linalg.eigh(torch.tensor([[2.0, 1.0], [1.0, 2.0]]))
    same(values, torch.tensor([1.0, 3.0]), atol=1e-5)
    same(vectors.mT @ vectors, torch.eye(2), atol=1e-5)
    assert torch.linalg.eigvals(torch.eye(2)).dtype == torch.complex64


@case("torch.linalg.qr")
def modes_of_the_factors(torch: Any) -> None:
    a = torch.ones(3, 2)
    assert torch.linalg.qr(a).Q.shape == (3, 2) and torch.linalg.qr(a, "complete").Q.shape == (3, 3)
    assert torch.linalg.qr(a, "r").Q.shape == (0,)


@case("torch.linalg.det")
def sign_and_logarithm(torch: Any) -> None:
    a = torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    same(torch.linalg.det(a), torch.tensor(-6.0))
    sign, logabs = torch.linalg.slogdet(a)
    same(sign, torch.tensor(-1.0))
    same(logabs, torch.tensor(math.log(6)), atol=1e-6)


@case("torch.linalg.norm")
def order_means_vector_or_matrix(torch: Any) -> None:
    a = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
    same(torch.linalg.norm(a, 1), torch.tensor(6.0))
    same(torch.linalg.norm(a, float("inf")), torch.tensor(7.0))
    same(torch.linalg.vector_norm(a, 1), torch.tensor(10.0))
    same(torch.linalg.matrix_norm(a), torch.tensor(math.sqrt(30)), atol=1e-5)


@case("torch.linalg.matrix_rank")
def counts_large_singular_values(torch: Any) -> None:
    assert torch.linalg.matrix_rank(torch.ones(3, 3)).item() == 1
    assert torch.linalg.matrix_rank(torch.diag(torch.tensor([1.0, 0.1])), atol=0.5, rtol=0.0).item() == 1


@case("torch.linalg.matrix_power")
def negative_powers_invert(torch: Any) -> None:
    a = torch.tensor([[2.0, 0.0], [0.0, 4.0]])
    same(torch.linalg.matrix_power(a, -1), torch.tensor([[0.5, 0.0], [0.0, 0.25]]))
    same(torch.linalg.matrix_power(a, 0), torch.eye(2))
    same(torch.linalg.matrix_exp(torch.zeros(2, 2)), torch.eye(2))


@case("torch.linalg.lstsq")
def fits_a_line(torch: Any) -> None:
    a = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    same(torch.linalg.lstsq(a, torch.tensor([[1.0], [3.0], [5.0]])).solution, torch.tensor([[1.0], [2.0]]), atol=1e-4)


@case("torch.linalg.multi_dot")
def ends_may_be_vectors(torch: Any) -> None:
    assert torch.linalg.multi_dot([torch.ones(2), torch.ones(2, 3), torch.ones(3)]).shape == ()
    raises(
        RuntimeError, "multi_dot(): expected at least 2 tensors but got 1", torch.linalg.multi_dot, [torch.ones(2, 2)]
    )


@case("torch.fft.fft", "generated/torch.fft.fft.html")
def norm_decides_the_scale(torch: Any) -> None:
    x = torch.ones(4)
    same(torch.fft.fft(x), torch.tensor([4, 0, 0, 0], dtype=torch.complex64))
    same(torch.fft.fft(x, norm="ortho"), torch.tensor([2, 0, 0, 0], dtype=torch.complex64))
    assert torch.fft.fft(x, n=6).shape == (6,) and torch.fft.rfft(x).shape == (3,)
    same(torch.fft.irfft(torch.fft.rfft(x), n=4), x, atol=1e-6)
    same(torch.fft.fftshift(torch.arange(4)), torch.tensor([2, 3, 0, 1]))
    same(torch.fft.fftfreq(4), torch.tensor([0.0, 0.25, -0.5, -0.25]))


@case("torch.stft")
def centre_pads_both_ends(torch: Any) -> None:
    out = torch.stft(torch.ones(16), 8, hop_length=4, window=torch.ones(8), return_complex=True)
    assert out.shape == (5, 5) and out.dtype == torch.complex64
    same(out[0], torch.full((5,), 8, dtype=torch.complex64), atol=1e-5)


@case("torch.distributions.normal.Normal")
def densities_and_shapes(torch: Any) -> None:
    normal = torch.distributions.Normal(torch.zeros(3), 1.0)
    assert normal.batch_shape == (3,) and normal.event_shape == () and normal.sample((2,)).shape == (2, 3)
    same(normal.log_prob(torch.zeros(3)), torch.full((3,), -0.5 * math.log(2 * math.pi)), atol=1e-6)
    raises(ValueError, "Expected parameter scale", torch.distributions.Normal, 0.0, -1.0)


@case("torch.distributions.categorical.Categorical")
def probabilities_are_normalized(torch: Any) -> None:
    c = torch.distributions.Categorical(torch.tensor([1.0, 3.0]))
    same(c.probs, torch.tensor([0.25, 0.75]))
    same(c.entropy(), torch.tensor(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75))), atol=1e-6)


@case("torch.distributions.kl.kl_divergence")
def of_two_normals(torch: Any) -> None:
    d = torch.distributions
    same(d.kl_divergence(d.Normal(0.0, 1.0), d.Normal(1.0, 1.0)), torch.tensor(0.5))


@case("torch.testing.assert_close")
def says_how_much_differs(torch: Any) -> None:
    check = torch.testing.assert_close
    check(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    raises(
        AssertionError, "Mismatched elements: 1 / 2 (50.0%)", check, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0])
    )
    raises(
        AssertionError, "The values for attribute 'dtype' do not match", check, torch.ones(1), torch.ones(1).double()
    )


@case("torch.signal.windows.hann", "generated/torch.signal.windows.hann.html")
def is_symmetric_by_default(torch: Any) -> None:
    same(torch.signal.windows.hann(4), torch.tensor([0, 0.75, 0.75, 0]), atol=1e-6)
    same(torch.signal.windows.hann(4, sym=False), torch.tensor([0, 0.5, 1, 0.5]), atol=1e-6)


@case("torch.sparse_coo_tensor")
def duplicates_add_up_when_coalesced(torch: Any) -> None:
    s = torch.sparse_coo_tensor(torch.tensor([[0, 0, 2]]), torch.tensor([1.0, 2.0, 5.0]), (4,))
    assert s.is_sparse and not s.is_coalesced()
    same(s.to_dense(), torch.tensor([3.0, 0.0, 5.0, 0.0]))
    same(s.coalesce().values(), torch.tensor([3.0, 5.0]))
