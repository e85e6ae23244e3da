"""Checks and programs, caches, drawing under gradients, subclasses: what recorded values do not show."""

import copy
import math
import pickle
import warnings

import jax
import numpy as np
import pytest
from scipy import stats

import torchax_lite as torch
import torchax_lite.distributions as D
from torchax_lite import engine
from torchax_lite.distributions import constraints


def executions():
    return engine.observe.stats().executions


def pending(*values):
    return torch.tensor(values) * 1.0


def test_known_parameters_are_checked_without_a_program():
    scale, weights = torch.tensor([1.0, 2.0]), torch.tensor([[0.2, 0.8]])
    before = executions()
    D.Normal(0.0, 1.0).log_prob(scale)
    D.Normal(torch.tensor([0.0, 1.0]), scale)
    D.Exponential(scale).expand((3, 2)).rsample()
    D.Dirichlet(weights)
    D.Uniform(0.0, scale)
    D.Independent(D.Uniform(0.0, scale), 1).log_prob(scale / 2)
    assert executions() - before == 1  # of scale / 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: D.Normal(pending(0.0, 1.0), pending(1.0, 2.0)),
        lambda: D.LogNormal(pending(0.0, 1.0), pending(1.0, 2.0)),
        lambda: D.StudentT(pending(3.0), pending(1.0), pending(2.0)),
        lambda: D.FisherSnedecor(pending(3.0), pending(1.0)),
        lambda: D.Independent(D.Normal(pending(0.0, 1.0), pending(1.0, 2.0)), 1),
        lambda: D.OneHotCategorical(logits=pending(0.0, 1.0)),
    ],
)
def test_one_constructor_reads_once(make):
    make()
    before = executions()
    make()
    assert executions() - before == 1


def test_without_validation_nothing_is_read():
    before = executions()
    q = D.Normal(pending(0.0, 1.0), pending(1.0, 2.0), validate_args=False)
    value = q.log_prob(q.rsample()).sum() + D.kl_divergence(q, D.Normal(0.0, 1.0)).sum()
    assert executions() == before
    assert math.isfinite(value.item())


def test_steps_of_a_variational_autoencoder():
    torch.manual_seed(0)
    encoder, decoder = torch.nn.Linear(6, 4), torch.nn.Linear(2, 6)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2)
    x = torch.randn(16, 6)

    def step(validate):
        mean, log_std = encoder(x).chunk(2, -1)
        q = D.Normal(mean, log_std.exp(), validate_args=validate)
        p = D.Normal(0.0, 1.0, validate_args=validate)
        z = q.rsample()
        likelihood = D.Bernoulli(logits=decoder(z), validate_args=validate).log_prob((x > 0).float())
        loss = (D.kl_divergence(q, p).sum(-1) - likelihood.sum(-1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for validate, most in ((False, 1), (None, 4)):  # two constructors and one value need numbers
        losses = [step(validate) for _ in range(6)]
        before = executions()
        losses += [step(validate) for _ in range(5)]
        assert (executions() - before) / 5 <= most
        assert losses[-1].item() < losses[0].item()


def test_an_error_comes_from_the_constructor_also_for_pending_values():
    bad = pending(1.0, -2.0)
    with pytest.raises(ValueError, match=r"Expected parameter scale .*GreaterThan\(lower_bound=0.0\)"):
        D.Normal(pending(0.0, 1.0), bad)
    with pytest.raises(ValueError, match="Expected parameter loc"):  # PyTorch's order: the first parameter's first
        D.LogNormal(pending(math.nan, 1.0), bad)
    D.Normal(0.0, bad, validate_args=False)


def test_default_validation_can_be_switched_off():
    try:
        D.Distribution.set_default_validate_args(False)
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError):
        D.Normal(0.0, -1.0)


def test_meta_and_traced_parameters_are_not_checked():
    d = D.Normal(torch.zeros(3, device="meta"), torch.ones(3, device="meta"))
    assert d.log_prob(torch.zeros(3, device="meta")).shape == (3,)
    assert d.rsample((2,)).device.type == "meta"
    assert D.Gamma(torch.ones(3, device="meta"), 1.0).rsample((2,)).shape == (2, 3)


def test_samples_pass_kolmogorov_smirnov():
    torch.manual_seed(7)
    n = 4000
    laws = {
        D.Normal(1.0, 2.0): stats.norm(1, 2), D.Laplace(1.0, 2.0): stats.laplace(1, 2),
        D.Cauchy(1.0, 2.0): stats.cauchy(1, 2), D.Exponential(2.0): stats.expon(scale=0.5),
        D.Gamma(0.4, 2.0): stats.gamma(0.4, scale=0.5), D.Gamma(9.0, 2.0): stats.gamma(9, scale=0.5),
        D.Beta(0.5, 2.0): stats.beta(0.5, 2), D.Chi2(3.0): stats.chi2(3), D.StudentT(4.0): stats.t(4),
        D.FisherSnedecor(3.0, 8.0): stats.f(3, 8), D.Gumbel(1.0, 2.0): stats.gumbel_r(1, 2),
        D.Pareto(1.0, 3.0): stats.pareto(3), D.Weibull(2.0, 1.5): stats.weibull_min(1.5, scale=2),
        D.LogNormal(0.2, 0.5): stats.lognorm(0.5, scale=math.exp(0.2)), D.Uniform(-1.0, 2.0): stats.uniform(-1, 3),
        D.HalfNormal(2.0): stats.halfnorm(scale=2), D.HalfCauchy(2.0): stats.halfcauchy(scale=2),
        D.VonMises(torch.tensor(0.5), torch.tensor(3.0)): stats.vonmises(3, loc=0.5),
        D.InverseGamma(3.0, 2.0): stats.invgamma(3, scale=2),
        D.GeneralizedPareto(0.0, 1.0, 0.2): stats.genpareto(0.2),
    }  # fmt: skip
    for d, law in laws.items():
        assert stats.kstest(d.sample((n,)).numpy(), law.cdf).pvalue > 1e-3, d


def test_accelerator_samplers_follow_their_laws():
    a = torch.full((3000,), 2.5, device="xla", requires_grad=True)
    x = torch._standard_gamma(a)
    assert stats.kstest(x.detach().cpu().numpy(), stats.gamma(2.5).cdf).pvalue > 1e-3
    x.sum().backward()
    assert bool((a.grad > 0).all())
    rows = D.Dirichlet(torch.tensor([0.5, 1.0, 2.0], device="xla")).sample((3000,)).cpu()
    assert stats.kstest(rows[:, 0].numpy(), stats.beta(0.5, 3).cdf).pvalue > 1e-3


@pytest.mark.parametrize("concentration", [0.3, 1.7, 12.0])
def test_implicit_gradient_of_gamma_samples(concentration):
    torch.manual_seed(0)
    a = torch.full((40,), concentration, dtype=torch.float64, requires_grad=True)
    x = torch._standard_gamma(a)
    (slope,) = torch.autograd.grad(x.sum(), a)
    eps = 1e-5 * concentration
    level = stats.gamma.cdf(x.detach().numpy(), concentration)
    moved = stats.gamma.ppf(level, concentration + eps) - stats.gamma.ppf(level, concentration - eps)
    np.testing.assert_allclose(slope.numpy(), moved / (2 * eps), rtol=5e-3, atol=1e-4)


def test_the_cache_of_a_transform_gives_the_very_tensor_back():
    x = torch.randn(3)
    for transform in (
        D.TanhTransform(cache_size=1),
        D.ComposeTransform([D.ExpTransform(), D.AffineTransform(0, 2)], 1),
    ):
        assert transform.inv(transform(x)) is x
        assert transform.inv.inv is transform
    assert D.TanhTransform().with_cache().with_cache(0)._cache_size == 0
    saved = pickle.loads(pickle.dumps(D.ExpTransform(cache_size=1)))
    assert saved == D.ExpTransform() and saved._inv is None


def test_transforms_compare_by_value():
    assert D.AffineTransform(0, 2) == D.AffineTransform(0, 2) != D.AffineTransform(0, 3)
    assert D.AffineTransform(torch.zeros(2), 1) == D.AffineTransform(torch.zeros(2), 1)
    assert D.ExpTransform().inv == D.ExpTransform().inv
    assert D.PowerTransform(2.0) != D.PowerTransform(3.0)


def test_user_distributions():
    class Twice(D.Normal):
        def __init__(self, loc, validate_args=None):
            super().__init__(2 * loc, 1.0, validate_args=validate_args)

        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Twice, _instance)
            return super().expand(batch_shape, _instance=new)

    assert Twice(torch.ones(2)).expand((3, 2)).loc.shape == (3, 2)
    assert D.kl_divergence(Twice(torch.ones(2)), D.Normal(2.0, 1.0)).tolist() == [0.0, 0.0]

    class Bare(D.Distribution):
        pass

    with pytest.warns(UserWarning, match="does not define `arg_constraints`"):
        bare = Bare()
    with pytest.raises(NotImplementedError):
        bare.expand((2,))
    with pytest.warns(UserWarning, match="does not define `support`"):
        bare._validate_sample(torch.zeros(()))


def test_registered_divergences_are_dispatched_to_the_most_specific_pair():
    class A(D.Normal):
        pass

    class B(D.Normal):
        pass

    saved = dict(D.kl._KL_REGISTRY)
    try:
        D.register_kl(A, D.Normal)(lambda p, q: "left")
        D.register_kl(D.Normal, B)(lambda p, q: "right")
        with pytest.warns(RuntimeWarning, match=r"Ambiguous kl_divergence\(A, B\). Please register_kl\(A, B\)"):
            assert D.kl_divergence(A(0.0, 1.0), B(0.0, 1.0)) == "left"
        D.register_kl(A, B)(lambda p, q: "both")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert D.kl_divergence(A(0.0, 1.0), B(0.0, 1.0)) == "both"
            assert D.kl_divergence(B(0.0, 1.0), B(0.0, 1.0)) == "right"
    finally:
        D.kl._KL_REGISTRY.clear()
        D.kl._KL_REGISTRY.update(saved)
        D.kl._KL_MEMOIZE.clear()


def test_constraints_registered_by_the_user():
    registry = D.constraint_registry.ConstraintRegistry()
    registry.register(constraints.simplex, lambda c: "made")
    assert registry(constraints.simplex) == "made"

    @registry.register(constraints.interval)
    def factory(c):
        return c.upper_bound

    assert registry(constraints.interval(0, 3)) == 3
    with pytest.raises(NotImplementedError):
        registry(constraints.real)


def test_lazy_properties_keep_gradients_under_no_grad():
    logits = torch.tensor([0.5, -0.5], requires_grad=True)
    d = D.Bernoulli(logits=logits)
    with torch.no_grad():
        d.sample()
    d.probs.sum().backward()
    assert logits.grad is not None
    assert isinstance(D.Bernoulli.probs, property)


def test_sample_n_is_deprecated():
    with pytest.warns(FutureWarning, match="sample_n"):
        assert D.Normal(0.0, 1.0).sample_n(3).shape == (3,)


def test_distributions_are_copied_and_pickled():
    d = D.MixtureSameFamily(D.Categorical(torch.ones(2)), D.Normal(torch.zeros(2), 1.0))
    for other in (copy.deepcopy(d), pickle.loads(pickle.dumps(d))):
        assert repr(other) == repr(d)
        assert other.log_prob(torch.tensor(0.3)).item() == d.log_prob(torch.tensor(0.3)).item()


def test_policy_gradient_and_masks_run_without_values():
    logits = torch.zeros(5, 3, requires_grad=True)
    d = D.Categorical(logits=logits)
    action = d.sample()
    (-d.log_prob(action) - 0.01 * d.entropy()).sum().backward()
    assert logits.grad.shape == (5, 3)


def test_parameters_inside_a_jax_transform():
    def value(scale):
        log_prob = D.Normal(0.0, torch.interop.from_jax(scale)).log_prob(torch.tensor(0.5))
        return torch.interop.to_jax(log_prob)

    found = jax.grad(value)(jax.numpy.float32(2.0))
    assert abs(float(found) - (-1 / 2 + 0.25 / 8)) < 1e-6
