"""``torch``: functions of each element."""

from __future__ import annotations

import math
from typing import Any

from ..registry import case, raises, same

INF, NAN = float("inf"), float("nan")


@case("torch.clamp")
def a_lower_bound_above_the_upper_gives_the_upper(torch: Any) -> None:
    same(torch.clamp(torch.tensor([0.0, 5.0]), min=3.0, max=1.0), torch.tensor([1.0, 1.0]))


@case("torch.clamp")
def bounds_may_be_tensors_that_broadcast(torch: Any) -> None:
    x = torch.tensor([[0.0, 4.0], [9.0, -9.0]])
    same(x.clamp(min=torch.tensor([1.0, -1.0])), torch.tensor([[1.0, 4.0], [9.0, -1.0]]))


@case("torch.clamp")
def needs_at_least_one_bound(torch: Any) -> None:
    raises(RuntimeError, "At least one of 'min' or 'max' must not be None", torch.clamp, torch.ones(1))


@case("torch.clamp")
def nan_stays_nan(torch: Any) -> None:
    same(torch.tensor([NAN, 2.0]).clamp(0, 1), torch.tensor([NAN, 1.0]))


@case("torch.maximum")
def nan_wins(torch: Any) -> None:
    a, b = torch.tensor([1.0, NAN, 3.0]), torch.tensor([2.0, 1.0, NAN])
    same(torch.maximum(a, b), torch.tensor([2.0, NAN, NAN]))


@case("torch.fmax")
def nan_loses(torch: Any) -> None:
    a, b = torch.tensor([1.0, NAN, NAN]), torch.tensor([2.0, 1.0, NAN])
    same(torch.fmax(a, b), torch.tensor([2.0, 1.0, NAN]))


@case("torch.sign")
def nan_has_sign_zero(torch: Any) -> None:
    same(torch.sign(torch.tensor([-2.0, 0.0, 3.0, NAN])), torch.tensor([-1.0, 0, 1, 0]))


@case("torch.sgn")
def complex_numbers_are_scaled_to_length_one(torch: Any) -> None:
    same(torch.sgn(torch.tensor([3 + 4j, 0j])), torch.tensor([0.6 + 0.8j, 0j]), atol=1e-6)


@case("torch.round")
def halves_go_to_the_even_neighbour(torch: Any) -> None:
    same(torch.round(torch.tensor([0.5, 1.5, 2.5, -0.5])), torch.tensor([0.0, 2, 2, -0.0]))


@case("torch.round")
def decimals_may_be_negative(torch: Any) -> None:
    same(torch.round(torch.tensor([1234.5]), decimals=-2), torch.tensor([1200.0]))
    same(torch.round(torch.tensor([0.125]), decimals=2), torch.tensor([0.12]), atol=1e-6)


@case("torch.trunc")
def drops_the_fraction(torch: Any) -> None:
    same(torch.trunc(torch.tensor([1.7, -1.7])), torch.tensor([1.0, -1.0]))
    same(torch.frac(torch.tensor([1.5, -1.5])), torch.tensor([0.5, -0.5]))


@case("torch.copysign")
def looks_at_the_sign_of_zero(torch: Any) -> None:
    out = torch.copysign(torch.tensor([1.0, -1.0]), torch.tensor([-0.0, 0.0]))
    same(out, torch.tensor([-1.0, 1.0]))


@case("torch.signbit")
def negative_zero_has_it(torch: Any) -> None:
    same(torch.signbit(torch.tensor([-0.0, 0.0, -1.0])), torch.tensor([True, False, True]))


@case("torch.heaviside")
def values_stand_in_at_zero(torch: Any) -> None:
    same(torch.heaviside(torch.tensor([-1.5, 0.0, 2.0]), torch.tensor([0.5])), torch.tensor([0.0, 0.5, 1.0]))


@case("torch.atan2")
def respects_quadrants(torch: Any) -> None:
    out = torch.atan2(torch.tensor([1.0, -1.0, 0.0]), torch.tensor([-1.0, -1.0, -1.0]))
    same(out, torch.tensor([3 * math.pi / 4, -3 * math.pi / 4, math.pi]), atol=1e-6)


@case("torch.hypot")
def does_not_overflow(torch: Any) -> None:
    same(torch.hypot(torch.tensor([3.0]), torch.tensor([4.0])), torch.tensor([5.0]))


@case("torch.lerp")
def weight_one_gives_the_end(torch: Any) -> None:
    a, b = torch.tensor([1.0, 2.0]), torch.tensor([5.0, 10.0])
    same(torch.lerp(a, b, 1.0), b)
    same(torch.lerp(a, b, torch.tensor([0.5, 0.25])), torch.tensor([3.0, 4.0]))


@case("torch.addcmul")
def value_scales_the_product(torch: Any) -> None:
    out = torch.addcmul(torch.ones(2), torch.tensor([2.0, 3.0]), torch.tensor([4.0, 5.0]), value=0.5)
    same(out, torch.tensor([5.0, 8.5]))


@case("torch.addcdiv")
def integer_division_is_refused(torch: Any) -> None:
    i = torch.tensor([1])
    raises(RuntimeError, "Integer division with addcdiv is no longer supported", torch.addcdiv, i, i, i)


@case("torch.add")
def alpha_scales_the_second_operand(torch: Any) -> None:
    same(torch.add(torch.tensor([1, 2]), torch.tensor([10, 20]), alpha=2), torch.tensor([21, 42]))
    raises(RuntimeError, "For integral input tensors, argument alpha must not be a floating point number",
           torch.add, torch.tensor([1]), torch.tensor([1]), alpha=0.5)  # fmt: skip


@case("torch.sub")
def alpha_multiplies_what_is_taken_away(torch: Any) -> None:
    same(torch.sub(torch.tensor([10.0]), torch.tensor([2.0]), alpha=3), torch.tensor([4.0]))


@case("torch.pow")
def number_to_a_tensor_of_powers(torch: Any) -> None:
    same(torch.pow(2, torch.tensor([0.0, 1.0, -1.0])), torch.tensor([1.0, 2.0, 0.5]))


@case("torch.float_power")
def computes_in_double(torch: Any) -> None:
    same(torch.float_power(torch.tensor([2, 3]), 2), torch.tensor([4.0, 9.0], dtype=torch.float64))


@case("torch.sqrt")
def negative_numbers_give_nan(torch: Any) -> None:
    same(torch.sqrt(torch.tensor([4.0, -1.0])), torch.tensor([2.0, NAN]))


@case("torch.rsqrt")
def zero_gives_infinity(torch: Any) -> None:
    same(torch.rsqrt(torch.tensor([4.0, 0.0])), torch.tensor([0.5, INF]))


@case("torch.log")
def zero_gives_minus_infinity(torch: Any) -> None:
    same(torch.log(torch.tensor([0.0, 1.0, -1.0])), torch.tensor([-INF, 0.0, NAN]))


@case("torch.log1p")
def is_exact_near_zero(torch: Any) -> None:
    same(torch.log1p(torch.tensor([1e-10])), torch.tensor([1e-10]))
    same(torch.expm1(torch.tensor([1e-10])), torch.tensor([1e-10]))


@case("torch.logaddexp")
def large_arguments_do_not_overflow(torch: Any) -> None:
    same(
        torch.logaddexp(torch.tensor([1000.0]), torch.tensor([1000.0])), torch.tensor([1000.0 + math.log(2)]), atol=1e-3
    )


@case("torch.logit")
def eps_clamps_the_argument(torch: Any) -> None:
    same(torch.logit(torch.tensor([0.0, 0.5, 1.0])), torch.tensor([-INF, 0.0, INF]))
    same(torch.logit(torch.tensor([0.0]), eps=0.25), torch.tensor([-math.log(3)]), atol=1e-6)


@case("torch.nan_to_num")
def infinities_become_the_largest_numbers(torch: Any) -> None:
    top = torch.finfo(torch.float32).max
    same(torch.nan_to_num(torch.tensor([NAN, INF, -INF, 2.0])), torch.tensor([0.0, top, -top, 2.0]))
    same(torch.nan_to_num(torch.tensor([NAN, INF]), nan=1.0, posinf=3.0), torch.tensor([1.0, 3.0]))


@case("torch.bitwise_not")
def is_logical_for_booleans(torch: Any) -> None:
    same(~torch.tensor([True, False]), torch.tensor([False, True]))
    same(~torch.tensor([0, 1], dtype=torch.uint8), torch.tensor([255, 254], dtype=torch.uint8))
    raises(TypeError, "only implemented on integer and Boolean-type tensors", lambda: ~torch.ones(1))


@case("torch.bitwise_left_shift")
def shifts_bits(torch: Any) -> None:
    same(torch.tensor([1, 3]) << torch.tensor([2, 1]), torch.tensor([4, 6]))
    same(torch.tensor([-8]) >> 1, torch.tensor([-4]))


@case("torch.logical_xor")
def any_nonzero_number_is_true(torch: Any) -> None:
    same(torch.logical_xor(torch.tensor([0.0, 2.0, 3.0]), torch.tensor([1, 0, 5])), torch.tensor([True, True, False]))


@case("torch.isclose")
def tolerances_add_up(torch: Any) -> None:
    a, b = torch.tensor([1.0, 1.0, NAN]), torch.tensor([1.0 + 1e-6, 1.1, NAN])
    same(torch.isclose(a, b), torch.tensor([True, False, False]))
    same(torch.isclose(a, b, rtol=0.0, atol=0.2, equal_nan=True), torch.tensor([True, True, True]))


@case("torch.isreal")
def imaginary_part_zero_is_real(torch: Any) -> None:
    same(torch.isreal(torch.tensor([1 + 0j, 1j])), torch.tensor([True, False]))


@case("torch.isinf")
def finite_infinite_nan(torch: Any) -> None:
    x = torch.tensor([1.0, INF, -INF, NAN])
    same(torch.isinf(x), torch.tensor([False, True, True, False]))
    same(torch.isfinite(x), torch.tensor([True, False, False, False]))
    same(torch.isposinf(x), torch.tensor([False, True, False, False]))


@case("torch.frexp")
def mantissa_is_at_least_one_half(torch: Any) -> None:
    mantissa, exponent = torch.frexp(torch.tensor([1.0, 6.0]))
    same(mantissa, torch.tensor([0.5, 0.75]))
    same(exponent, torch.tensor([1, 3], dtype=torch.int32))


@case("torch.ldexp")
def multiplies_by_powers_of_two(torch: Any) -> None:
    same(torch.ldexp(torch.tensor([1.0]), torch.tensor([1, 2, 3])), torch.tensor([2.0, 4.0, 8.0]))


@case("torch.gcd")
def of_zeros_is_zero(torch: Any) -> None:
    same(torch.gcd(torch.tensor([12, 0, -4]), torch.tensor([18, 0, 6])), torch.tensor([6, 0, 2]))
    same(torch.lcm(torch.tensor([4, 0]), torch.tensor([6, 3])), torch.tensor([12, 0]))


@case("torch.sinc")
def is_normalized(torch: Any) -> None:
    same(torch.sinc(torch.tensor([0.0, 0.5, 1.0])), torch.tensor([1.0, 2 / math.pi, 0.0]), atol=1e-6)


@case("torch.abs")
def of_complex_numbers_is_real(torch: Any) -> None:
    same(torch.abs(torch.tensor([3 + 4j])), torch.tensor([5.0]))
    same(torch.angle(torch.tensor([-1.0, 1.0])), torch.tensor([math.pi, 0.0]), atol=1e-6)


@case("torch.polar")
def takes_length_and_angle(torch: Any) -> None:
    same(torch.polar(torch.tensor([2.0]), torch.tensor([math.pi / 2])), torch.tensor([2j]), atol=1e-6)


@case("torch.complex")
def parts_need_one_dtype(torch: Any) -> None:
    same(torch.complex(torch.tensor([1.0]), torch.tensor([2.0])), torch.tensor([1 + 2j]))
    raises(RuntimeError, "Expected object of scalar type Float but got scalar type Double",
           torch.complex, torch.ones(1), torch.ones(1, dtype=torch.float64))  # fmt: skip


@case("torch.view_as_real")
def has_a_last_dim_of_two(torch: Any) -> None:
    z = torch.tensor([1 + 2j, 3 - 4j])
    pairs = torch.view_as_real(z)
    same(pairs, torch.tensor([[1.0, 2.0], [3.0, -4.0]]))
    pairs[0, 1] = 9
    assert z[0].item() == 1 + 9j
    same(torch.view_as_complex(pairs), z)


@case("torch.real")
def is_a_view(torch: Any) -> None:
    z = torch.tensor([1 + 2j])
    z.real.fill_(5)
    assert z.item() == 5 + 2j
    raises(RuntimeError, "imag is not implemented for tensors with non-complex dtypes", torch.imag, torch.ones(1))


@case("torch.conj")
def is_lazy_until_resolved(torch: Any) -> None:
    z = torch.tensor([1 + 2j])
    c = torch.conj(z)
    assert c.is_conj() and not c.resolve_conj().is_conj() and c.item() == 1 - 2j


@case("torch.abs")
def booleans_are_refused_by_neg(torch: Any) -> None:
    raises(RuntimeError, "Negation, the `-` operator, on a bool tensor is not supported", lambda: -torch.tensor([True]))


@case("torch.square")
def keeps_integers(torch: Any) -> None:
    same(torch.square(torch.tensor([-3, 2])), torch.tensor([9, 4]))


@case("torch.reciprocal")
def promotes_integers(torch: Any) -> None:
    same(torch.reciprocal(torch.tensor([2, 4])), torch.tensor([0.5, 0.25]))


@case("torch.erfinv")
def ends_are_infinite(torch: Any) -> None:
    same(torch.erfinv(torch.tensor([-1.0, 0.0, 1.0, 2.0])), torch.tensor([-INF, 0.0, INF, NAN]))


@case("torch.lgamma")
def is_the_logarithm_of_factorials(torch: Any) -> None:
    same(torch.lgamma(torch.tensor([1.0, 2.0, 5.0])), torch.tensor([0.0, 0.0, math.log(24)]), atol=1e-5)


@case("torch.special.xlogy")
def zero_times_anything_but_nan_is_zero(torch: Any) -> None:
    same(
        torch.special.xlogy(torch.tensor([0.0, 0.0, 2.0]), torch.tensor([0.0, NAN, 1.0])), torch.tensor([0.0, NAN, 0.0])
    )


@case("torch.special.entr")
def negative_arguments_give_minus_infinity(torch: Any) -> None:
    same(torch.special.entr(torch.tensor([-1.0, 0.0, 1.0])), torch.tensor([-INF, 0.0, 0.0]))


@case("torch.special.expit")
def is_the_logistic_function(torch: Any) -> None:
    same(torch.special.expit(torch.tensor([0.0, INF, -INF])), torch.tensor([0.5, 1.0, 0.0]))


@case("torch.special.logsumexp")
def stays_finite_for_large_terms(torch: Any) -> None:
    same(torch.special.logsumexp(torch.tensor([1000.0, 1000.0]), 0), torch.tensor(1000.0 + math.log(2)), atol=1e-3)


@case("torch.special.ndtri")
def inverts_the_normal_distribution(torch: Any) -> None:
    same(torch.special.ndtri(torch.tensor([0.0, 0.5, 1.0])), torch.tensor([-INF, 0.0, INF]))


@case("torch.special.zeta")
def at_two_is_pi_squared_over_six(torch: Any) -> None:
    same(torch.special.zeta(torch.tensor([2.0]), torch.tensor([1.0])), torch.tensor([math.pi**2 / 6]), atol=1e-5)


@case("torch.finfo", "type_info.html")
def describes_floating_types(torch: Any) -> None:
    info = torch.finfo(torch.float32)
    assert info.bits == 32 and info.eps == 2.0**-23 and info.tiny == 2.0**-126 and info.dtype == "float32"
    assert torch.finfo().bits == 32 and torch.finfo(torch.bfloat16).eps == 2.0**-7
    assert torch.iinfo(torch.int8).min == -128 and torch.iinfo(torch.uint8).max == 255
    raises(TypeError, "torch.finfo() requires a floating point input type", torch.finfo, torch.int32)
