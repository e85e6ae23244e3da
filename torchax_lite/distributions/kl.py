"""Kullback-Leibler divergences: ``KL(p || q) = E_p[log p - log q]`` by pairs of classes.

:func:`kl_divergence` takes the entry of the most specific registered pair of super classes.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.distributions import _gaussian
from torchax_lite.distributions.bernoulli import Bernoulli
from torchax_lite.distributions.beta import Beta
from torchax_lite.distributions.binomial import Binomial
from torchax_lite.distributions.categorical import Categorical
from torchax_lite.distributions.cauchy import Cauchy
from torchax_lite.distributions.continuous_bernoulli import ContinuousBernoulli
from torchax_lite.distributions.dirichlet import Dirichlet
from torchax_lite.distributions.distribution import Distribution
from torchax_lite.distributions.exp_family import ExponentialFamily
from torchax_lite.distributions.exponential import Exponential
from torchax_lite.distributions.gamma import Gamma
from torchax_lite.distributions.geometric import Geometric
from torchax_lite.distributions.gumbel import Gumbel
from torchax_lite.distributions.half_normal import HalfNormal
from torchax_lite.distributions.independent import Independent
from torchax_lite.distributions.laplace import Laplace
from torchax_lite.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from torchax_lite.distributions.multivariate_normal import MultivariateNormal
from torchax_lite.distributions.normal import Normal
from torchax_lite.distributions.one_hot_categorical import OneHotCategorical
from torchax_lite.distributions.pareto import Pareto
from torchax_lite.distributions.poisson import Poisson
from torchax_lite.distributions.transformed_distribution import TransformedDistribution
from torchax_lite.distributions.uniform import Uniform
from torchax_lite.distributions.utils import _sum_rightmost
from torchax_lite.distributions.utils import euler_constant as EULER
from torchax_lite.nn.functional import softplus

__all__ = ["kl_divergence", "register_kl"]

Divergence = Callable[[Any, Any], Any]
Pair = tuple[type, type]

_KL_REGISTRY: dict[Pair, Divergence] = {}
_KL_MEMOIZE: dict[Pair, Any] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Divergence], Divergence]:
    """Decorator: the function computes ``KL(p || q)`` for ``p`` and ``q`` of these classes (and their subclasses).

    Raises:
        TypeError: for what is no class.
    """
    for name, given in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(given, type) and issubclass(given, Distribution):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {given}")

    def register(fun: Divergence) -> Divergence:
        _KL_REGISTRY[type_p, type_q] = fun
        _KL_MEMOIZE.clear()
        return fun

    return register


def _precedes(a: Iterable[type], b: Iterable[type]) -> bool:
    """Whether classes ``a`` are at least as specific as ``b``, compared from the left."""
    for x, y in zip(a, b, strict=True):
        if not issubclass(x, y):
            return False
        if x is not y:
            break
    return True


def _most_specific(candidates: list[Pair]) -> Pair:
    best = candidates[0]
    for pair in candidates[1:]:
        if pair != best and _precedes(pair, best):
            best = pair
    return best


def _dispatch_kl(type_p: type, type_q: type) -> Any:
    """The registered function for two classes, or NotImplemented."""
    found = [(p, q) for p, q in _KL_REGISTRY if issubclass(type_p, p) and issubclass(type_q, q)]
    if not found:
        return NotImplemented
    left = _most_specific(found)
    right_q, right_p = _most_specific([(q, p) for p, q in found])
    chosen = _KL_REGISTRY[left]
    if chosen is not _KL_REGISTRY[right_p, right_q]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please register_kl("
            f"{left[0].__name__}, {right_q.__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return chosen


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """``KL(p || q)``, of shape ``batch_shape``.

    Raises:
        NotImplementedError: where no function is registered for the two classes.
    """
    pair = type(p), type(q)
    if pair not in _KL_MEMOIZE:
        _KL_MEMOIZE[pair] = _dispatch_kl(*pair)
    fun = _KL_MEMOIZE[pair]
    if fun is NotImplemented:
        names = p.__class__.__name__, q.__class__.__name__
        raise NotImplementedError(f"No KL(p || q) is implemented for p type {names[0]} and q type {names[1]}")
    return fun(p, q)


# -- helpers -----------------------------------------------------------------------------------------------------------


def _infinite_where(mask: Any, value: Tensor) -> Tensor:
    return value.masked_fill(mask, math.inf)


def _x_log_x(x: Any) -> Tensor:
    return torch.special.xlogy(x, x)


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    return a.lgamma() + b.lgamma() - (a + b).lgamma()


def _minus_log_gamma_scale(q: Any) -> Tensor:
    """Minus the part of a gamma log density that does not depend on the value."""
    return q.concentration.lgamma() - q.concentration * q.rate.log()


def _beta_mean(p: Any) -> Tensor:
    return p.concentration1 / (p.concentration1 + p.concentration0)


def _register_infinite(type_p: type, parameter: str, *types_q: type) -> None:
    """Where ``p`` has mass outside the support of ``q``."""

    def infinite(p: Any, q: Any) -> Tensor:
        return torch.full_like(getattr(p, parameter), math.inf)

    for type_q in types_q:
        register_kl(type_p, type_q)(infinite)


_register_infinite(Beta, "concentration1", Pareto)
_register_infinite(ContinuousBernoulli, "probs", Pareto)
_register_infinite(Exponential, "rate", Beta, ContinuousBernoulli, Pareto, Uniform)
_register_infinite(Gamma, "concentration", Beta, ContinuousBernoulli, Pareto, Uniform)
_register_infinite(Gumbel, "loc", Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)
_register_infinite(Laplace, "loc", Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)
_register_infinite(Normal, "loc", Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)
_register_infinite(Pareto, "scale", Beta, ContinuousBernoulli, Uniform)
_register_infinite(Poisson, "rate", Bernoulli, Binomial)


# -- one family --------------------------------------------------------------------------------------------------------


@register_kl(ExponentialFamily, ExponentialFamily)
def _expfamily_expfamily(p: Any, q: Any) -> Tensor:
    """The Bregman divergence of the log normalizer."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using Bregman divergences"
        )
    leaves, value, slope = p._normalizer_and_slope()
    theirs = q._natural_params
    result = q._log_normalizer(*theirs) - value
    for own, other, gradient in zip(leaves, theirs, slope, strict=True):
        result = result - _sum_rightmost((other - own) * gradient, len(q.event_shape))
    return result


@register_kl(Bernoulli, Bernoulli)
def _bernoulli_bernoulli(p: Any, q: Any) -> Tensor:
    def half(mass: Tensor, other: Tensor, sign: int) -> Tensor:
        term = mass * (softplus(sign * q.logits) - softplus(sign * p.logits))
        return term.masked_fill(other == 0, math.inf).masked_fill(mass == 0, 0.0)

    return half(p.probs, q.probs, -1) + half(1 - p.probs, 1 - q.probs, 1)


@register_kl(Beta, Beta)
def _beta_beta(p: Any, q: Any) -> Tensor:
    p1, p0, q1, q0 = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    by_first = (p1 - q1) * torch.digamma(p1)
    by_second = (p0 - q0) * torch.digamma(p0)
    by_total = (q1 + q0 - p1 - p0) * torch.digamma(p1 + p0)
    return _log_beta(q1, q0) - _log_beta(p1, p0) + by_first + by_second + by_total


@register_kl(Binomial, Binomial)
def _binomial_binomial(p: Any, q: Any) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    one_trial = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return _infinite_where(p.total_count > q.total_count, p.total_count * one_trial)


@register_kl(Categorical, Categorical)
def _categorical_categorical(p: Any, q: Any) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    return terms.masked_fill(q.probs == 0, math.inf).masked_fill(p.probs == 0, 0.0).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _onehot_onehot(p: Any, q: Any) -> Tensor:
    return _categorical_categorical(p._categorical, q._categorical)


@register_kl(Cauchy, Cauchy)
def _cauchy_cauchy(p: Any, q: Any) -> Tensor:
    return ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    own = p._cont_bern_log_norm() + torch.log1p(-p.probs)
    other = q._cont_bern_log_norm() + torch.log1p(-q.probs)
    return p.mean * (p.logits - q.logits) + own - other


@register_kl(Dirichlet, Dirichlet)
def _dirichlet_dirichlet(p: Any, q: Any) -> Tensor:
    own, other = p.concentration, q.concentration
    log_mean = own.digamma() - own.sum(-1, True).digamma()
    return q._log_normalizer(other) - p._log_normalizer(own) + ((own - other) * log_mean).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential_exponential(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Gamma, Gamma)
def _gamma_gamma(p: Any, q: Any) -> Tensor:
    a, b = p.concentration, q.concentration
    by_rate = b * (p.rate / q.rate).log() + (q.rate - p.rate) * (a / p.rate)
    return by_rate + torch.lgamma(b) - torch.lgamma(a) + (a - b) * torch.digamma(a)


@register_kl(Geometric, Geometric)
def _geometric_geometric(p: Any, q: Any) -> Tensor:
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _gumbel_gumbel(p: Any, q: Any) -> Tensor:
    ratio = p.scale / q.scale
    shift = (q.loc - p.loc) / q.scale
    return ratio * EULER - ratio.log() - shift + torch.exp(shift + (1 + ratio).lgamma()) - (1 + EULER)


@register_kl(HalfNormal, HalfNormal)
def _halfnormal_halfnormal(p: Any, q: Any) -> Tensor:
    return _normal_normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace_laplace(p: Any, q: Any) -> Tensor:
    ratio = p.scale / q.scale
    distance = (p.loc - q.loc).abs()
    return distance / q.scale + ratio * torch.exp(-distance / p.scale) - ratio.log() - 1


@register_kl(Normal, Normal)
def _normal_normal(p: Any, q: Any) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Pareto, Pareto)
def _pareto_pareto(p: Any, q: Any) -> Tensor:
    ratio = q.alpha / p.alpha
    result = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return _infinite_where(p.support.lower_bound < q.support.lower_bound, result)


@register_kl(Poisson, Poisson)
def _poisson_poisson(p: Any, q: Any) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform_uniform(p: Any, q: Any) -> Tensor:
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return _infinite_where((q.low > p.low) | (q.high < p.high), result)


# -- made of others ----------------------------------------------------------------------------------------------------


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed_transformed(p: Any, q: Any) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _independent_independent(p: Any, q: Any) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


# -- multivariate normals ----------------------------------------------------------------------------------------------


def _require_same_event(p: Any, q: Any, kind: str) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"KL-divergence between two {kind}Multivariate Normals with different event shapes cannot be computed"
        )


def _whitened(q: Any, matrix: Tensor) -> Tensor:
    """The squared norm of ``matrix`` in the metric of the (full) covariance of ``q``."""
    factor = q._unbroadcasted_scale_tril
    batch = torch.broadcast_shapes(factor.shape[:-2], matrix.shape[:-2])
    factor = factor.expand((*batch, *factor.shape[-2:]))
    columns = matrix.expand((*batch, *matrix.shape[-2:]))
    return _gaussian.squared_norm(torch.linalg.solve_triangular(factor, columns, upper=False))


def _whitened_lowrank(q: Any, matrix: Tensor) -> Tensor:
    """The squared norm of ``matrix`` in the metric of the low-rank covariance of ``q``."""
    own = matrix * q._unbroadcasted_cov_diag.rsqrt().unsqueeze(-1)
    return _gaussian.squared_norm(own) - _gaussian.squared_norm(q._reduced_factor().matmul(matrix))


@register_kl(MultivariateNormal, MultivariateNormal)
def _mvn_mvn(p: Any, q: Any) -> Tensor:
    _require_same_event(p, q, "")
    own, other = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    half_logs = _gaussian.half_log_det(other) - _gaussian.half_log_det(own)
    distance = _gaussian.mahalanobis(other, q.loc - p.loc)
    return half_logs + 0.5 * (_whitened(q, own) + distance - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _lowrank_lowrank(p: Any, q: Any) -> Tensor:
    _require_same_event(p, q, "Low Rank ")
    logs = q._log_det() - p._log_det()
    spread = _whitened_lowrank(q, p._unbroadcasted_cov_factor)
    diagonal = (p._unbroadcasted_cov_diag / q._unbroadcasted_cov_diag).sum(-1)
    scaled = q._reduced_factor() * p._unbroadcasted_cov_diag.sqrt().unsqueeze(-2)
    trace = diagonal - _gaussian.squared_norm(scaled) + spread
    return 0.5 * (logs + trace + q._mahalanobis(q.loc - p.loc) - p.event_shape[0])


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _mvn_lowrank(p: Any, q: Any) -> Tensor:
    _require_same_event(p, q, "(Low Rank) ")
    own = p._unbroadcasted_scale_tril
    logs = q._log_det() - 2 * _gaussian.half_log_det(own)
    return 0.5 * (logs + _whitened_lowrank(q, own) + q._mahalanobis(q.loc - p.loc) - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _lowrank_mvn(p: Any, q: Any) -> Tensor:
    _require_same_event(p, q, "(Low Rank) ")
    other = q._unbroadcasted_scale_tril
    logs = 2 * _gaussian.half_log_det(other) - p._log_det()
    trace = _whitened(q, p._unbroadcasted_cov_factor)
    trace = trace + _whitened(q, torch.diag_embed(p._unbroadcasted_cov_diag.sqrt()))
    return 0.5 * (logs + trace + _gaussian.mahalanobis(other, q.loc - p.loc) - p.event_shape[0])


# -- two families ------------------------------------------------------------------------------------------------------


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


def _minus_cross_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return p.mean * q.logits + torch.log1p(-q.probs) + q._cont_bern_log_norm()


@register_kl(Beta, ContinuousBernoulli)
def _beta_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return -p.entropy() - _minus_cross_continuous_bernoulli(p, q)


@register_kl(Beta, Exponential)
def _beta_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * _beta_mean(p)


@register_kl(Beta, Gamma)
def _beta_gamma(p: Any, q: Any) -> Tensor:
    mean_log = p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    linear = q.rate * _beta_mean(p) - (q.concentration - 1) * mean_log
    return -p.entropy() + _minus_log_gamma_scale(q) + linear


def _minus_cross_normal(square: Tensor, mean: Tensor, q: Any) -> Tensor:
    """``E[(x - loc)^2] / (2 scale^2)`` from the first two moments of ``x``."""
    return (0.5 * square - q.loc * mean + 0.5 * q.loc.pow(2)) / q.scale.pow(2)


@register_kl(Beta, Normal)
def _beta_normal(p: Any, q: Any) -> Tensor:
    mean = _beta_mean(p)
    square = mean * (1 - mean) / (p.concentration1 + p.concentration0 + 1) + mean.pow(2)
    log_norm = 0.5 * (q.scale.pow(2) * 2 * math.pi).log()
    return -p.entropy() + log_norm + _minus_cross_normal(square, mean, q)


@register_kl(Beta, Uniform)
def _beta_uniform(p: Any, q: Any) -> Tensor:
    return _infinite_where((q.low > 0) | (q.high < 1), -p.entropy() + (q.high - q.low).log())


@register_kl(ContinuousBernoulli, Exponential)
def _continuous_bernoulli_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() - torch.log(q.rate) + q.rate * p.mean


@register_kl(ContinuousBernoulli, Normal)
def _continuous_bernoulli_normal(p: Any, q: Any) -> Tensor:
    log_norm = 0.5 * math.log(2.0 * math.pi) + torch.log(q.scale)
    square = p.variance + torch.square(p.mean)
    return -p.entropy() + log_norm + _minus_cross_normal(square, p.mean, q)


@register_kl(ContinuousBernoulli, Uniform)
def _continuous_bernoulli_uniform(p: Any, q: Any) -> Tensor:
    result = -p.entropy() + (q.high - q.low).log()
    return torch.where((q.low >= 0) | (q.high <= 1), math.inf, result)  # infinite on the bounds too, as in PyTorch


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    by_shape = q.concentration.lgamma() + q.concentration * EULER - q.concentration * torch.log(ratio)
    return by_shape + ratio - (1 + EULER)


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Any, q: Any) -> Tensor:
    product = p.rate * q.scale
    start = q.loc / q.scale
    return product.log() - 1 - start + torch.exp(start) * product / (product + 1) + product.reciprocal()


@register_kl(Exponential, Normal)
def _exponential_normal(p: Any, q: Any) -> Tensor:
    squared = p.rate.pow(2)
    log_norm = 0.5 * torch.log(squared * q.scale.pow(2) * 2 * math.pi)
    return log_norm - 1 + _minus_cross_normal(2 * squared.reciprocal(), p.rate.reciprocal(), q)


@register_kl(Gamma, Exponential)
def _gamma_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p: Any, q: Any) -> Tensor:
    a = p.concentration
    product = p.rate * q.scale
    start = q.loc / q.scale
    own = (a - 1) * a.digamma() - a.lgamma() - a
    double_exponential = torch.exp(start) * (1 + product.reciprocal()).pow(-a)
    return own + product.log() + a / product + double_exponential - start


@register_kl(Gamma, Normal)
def _gamma_normal(p: Any, q: Any) -> Tensor:
    a = p.concentration
    squared = p.rate.pow(2)
    own = (a - 1) * a.digamma() - a - a.lgamma()
    log_norm = 0.5 * torch.log(squared * q.scale.pow(2) * 2 * math.pi)
    return own + log_norm + _minus_cross_normal((a.pow(2) + a) / squared, a / p.rate, q)


@register_kl(Gumbel, Normal)
def _gumbel_normal(p: Any, q: Any) -> Tensor:
    ratio = p.scale / q.scale
    spread = (math.pi * ratio * 0.5).pow(2) / 3
    shift = ((p.loc + p.scale * EULER - q.loc) / q.scale).pow(2) * 0.5
    return spread + shift - (ratio / math.sqrt(2 * math.pi)).log() - (EULER + 1)


@register_kl(Laplace, Normal)
def _laplace_normal(p: Any, q: Any) -> Tensor:
    ratio = p.scale.pow(2) / q.scale.pow(2)
    return ratio - 0.5 * torch.log(2 * ratio / math.pi) + _minus_cross_normal(p.loc.pow(2), p.loc, q) - 1


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Any, q: Any) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    shift = (p.loc - q.loc) / q.scale
    return shift + torch.exp(0.5 * ratio - shift) - 0.5 * ratio.log() - 0.5 * (1 + math.log(2 * math.pi))


@register_kl(Normal, Laplace)
def _normal_laplace(p: Any, q: Any) -> Tensor:
    distance = p.loc - q.loc
    z = distance / p.scale
    near = math.sqrt(2 / math.pi) * p.scale * torch.exp(-0.5 * z.pow(2))
    mean_distance = near + distance * torch.erf(math.sqrt(0.5) * z)
    return mean_distance / q.scale - torch.log(p.scale / q.scale) - 0.5 * (1 + math.log(0.5 * math.pi))


@register_kl(Pareto, Exponential)
def _pareto_exponential(p: Any, q: Any) -> Tensor:
    product = p.scale * q.rate
    result = (p.alpha / product).log() - p.alpha.reciprocal() + p.alpha * product / (p.alpha - 1) - 1
    return _infinite_where(p.alpha <= 1, result)


@register_kl(Pareto, Gamma)
def _pareto_gamma(p: Any, q: Any) -> Tensor:
    mean_log = p.scale.log() + p.alpha.reciprocal()
    linear = q.rate * p.alpha * p.scale / (p.alpha - 1)
    own = p.alpha.log() - mean_log - 1
    result = own + _minus_log_gamma_scale(q) + (1 - q.concentration) * mean_log + linear
    return _infinite_where(p.alpha <= 1, result)


@register_kl(Pareto, Normal)
def _pareto_normal(p: Any, q: Any) -> Tensor:
    scaled = p.scale / (p.alpha - 1)
    log_norm = (math.sqrt(2 * math.pi) * q.scale * p.alpha / p.scale).log()
    variance = p.alpha * scaled.pow(2) / (p.alpha - 2)
    square = variance + (p.alpha * scaled - q.loc).pow(2)
    result = log_norm - p.alpha.reciprocal() + square / (2 * q.scale.pow(2)) - 1
    return _infinite_where(p.alpha <= 2, result)


def _mean_log_uniform(low: Tensor, high: Tensor) -> Tensor:
    """``E[log x]`` for a uniform ``x``."""
    width = high - low
    return (_x_log_x(high) - _x_log_x(low) - width) / width


@register_kl(Uniform, Beta)
def _uniform_beta(p: Any, q: Any) -> Tensor:
    log_x = (q.concentration1 - 1) * _mean_log_uniform(p.low, p.high)
    log_rest = (q.concentration0 - 1) * _mean_log_uniform(1 - p.high, 1 - p.low)
    result = _log_beta(q.concentration1, q.concentration0) - torch.log(p.high - p.low) - log_x - log_rest
    return _infinite_where((p.high > 1) | (p.low < 0), result)


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    result = -p.entropy() - _minus_cross_continuous_bernoulli(p, q)
    return torch.where((p.high >= 1) | (p.low <= 0), math.inf, result)  # infinite on the bounds too, as in PyTorch


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Any, q: Any) -> Tensor:
    result = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    return _infinite_where(p.low < 0, result)


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Any, q: Any) -> Tensor:
    by_log = (1 - q.concentration) * _mean_log_uniform(p.low, p.high)
    linear = q.rate * (p.high + p.low) / 2
    return _infinite_where(p.low < 0, _minus_log_gamma_scale(q) + by_log + linear - (p.high - p.low).log())


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Any, q: Any) -> Tensor:
    share = q.scale / (p.high - p.low)
    above = (p.high - q.loc) / q.scale
    below = (p.low - q.loc) / q.scale
    return share.log() + 0.5 * (above + below) - share * (torch.exp(-above) - torch.exp(-below))


@register_kl(Uniform, Normal)
def _uniform_normal(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    square = width.pow(2) / 12 + ((p.high + p.low - 2 * q.loc) / 2).pow(2)
    return (math.sqrt(math.pi * 2) * q.scale / width).log() + 0.5 * square / q.scale.pow(2)


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Any, q: Any) -> Tensor:
    log_density = (q.alpha * q.scale.pow(q.alpha) * (p.high - p.low)).log()
    result = _mean_log_uniform(p.low, p.high) * (q.alpha + 1) - log_density
    return _infinite_where(p.low < q.support.lower_bound, result)
