"""Record what PyTorch's ``torch.distributions`` gives: writes ``tests/data/distributions.json.gz``.

    python tests/recorders/record_distributions.py      (in an environment with PyTorch 2.13)

:func:`record` and its parts take the ``torch`` module: the tests call the same functions with ours.
"""

import gzip
import json
import math
import pathlib
import warnings

import numpy as np

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "distributions.json.gz"
DTYPES = ("float32", "float64")
SEED = 1234

# name -> (class, keyword parameters, further options); lists are tensors that require grad, tuples ("plain", ...) not
TRIL = [[1.2, 0.0, 0.0], [0.3, 0.8, 0.0], [-0.4, 0.2, 1.5]]
COVARIANCE = [[1.5, 0.3, -0.2], [0.3, 1.1, 0.25], [-0.2, 0.25, 2.0]]
WEIGHTS = [[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]
LOGITS = [[0.5, -1.0, 0.2], [1.0, 0.0, -2.0]]
DISTRIBUTIONS = {
    "bernoulli": ("Bernoulli", {"probs": [0.1, 0.5, 0.9]}),
    "bernoulli logits": ("Bernoulli", {"logits": [-2.0, 0.0, 1.5]}),
    "bernoulli number": ("Bernoulli", {"probs": 0.3}),
    "beta": ("Beta", {"concentration1": [0.5, 2.0, 9.0], "concentration0": [0.7, 1.0, 12.0]}),
    "beta numbers": ("Beta", {"concentration1": 2.5, "concentration0": 0.5}),
    "binomial": ("Binomial", {"total_count": 7, "probs": [0.1, 0.5, 0.9]}),
    "binomial many": ("Binomial", {"total_count": ("plain", [40, 100, 3]), "logits": [0.2, 1.0, -1.0]}),
    "categorical": ("Categorical", {"probs": WEIGHTS}),
    "categorical logits": ("Categorical", {"logits": LOGITS}),
    "cauchy": ("Cauchy", {"loc": [0.0, 1.0, -2.0], "scale": [1.0, 0.5, 3.0]}),
    "chi2": ("Chi2", {"df": [0.5, 3.0, 30.0]}),
    "continuous bernoulli": ("ContinuousBernoulli", {"probs": [0.1, 0.5, 0.9]}),
    "continuous bernoulli logits": ("ContinuousBernoulli", {"logits": [-1.5, 0.001, 2.0]}),
    "dirichlet": ("Dirichlet", {"concentration": [[0.3, 1.5, 8.0], [10.0, 20.0, 7.0]]}),
    "dirichlet corner": ("Dirichlet", {"concentration": [0.3, 0.5, 0.8, 0.2]}),
    "exponential": ("Exponential", {"rate": [0.5, 1.0, 4.0]}),
    "fisher snedecor": ("FisherSnedecor", {"df1": [1.0, 4.0, 10.0], "df2": [1.5, 5.0, 9.0]}),
    "gamma": ("Gamma", {"concentration": [0.2, 1.5, 20.0], "rate": [1.0, 0.3, 4.0]}),
    "gamma numbers": ("Gamma", {"concentration": 2.0, "rate": 3.0}),
    "generalized pareto": (
        "GeneralizedPareto", {"loc": [0.0, 1.0, -1.0], "scale": [1.0, 2.0, 0.5], "concentration": [0.0, 0.3, -0.4]},
    ),
    "geometric": ("Geometric", {"probs": [0.1, 0.5, 0.9]}),
    "geometric logits": ("Geometric", {"logits": [-1.0, 0.3, 2.0]}),
    "gumbel": ("Gumbel", {"loc": [0.0, 1.0, -2.0], "scale": [1.0, 0.5, 3.0]}),
    "gumbel numbers": ("Gumbel", {"loc": 0.5, "scale": 2.0}),
    "half cauchy": ("HalfCauchy", {"scale": [1.0, 0.5, 3.0]}),
    "half normal": ("HalfNormal", {"scale": [1.0, 0.5, 3.0]}),
    "inverse gamma": ("InverseGamma", {"concentration": [0.8, 1.5, 5.0], "rate": [1.0, 0.3, 4.0]}),
    "kumaraswamy": ("Kumaraswamy", {"concentration1": [0.5, 2.0, 4.0], "concentration0": [0.7, 1.5, 3.0]}),
    "laplace": ("Laplace", {"loc": [0.0, 1.0, -2.0], "scale": [1.0, 0.5, 3.0]}),
    "lkj cholesky": ("LKJCholesky", {"dim": 3, "concentration": [0.7, 2.0]}),
    "log normal": ("LogNormal", {"loc": [0.0, 1.0, -2.0], "scale": [1.0, 0.5, 0.3]}),
    "logistic normal": ("LogisticNormal", {"loc": [[0.0, 1.0, -1.0]], "scale": [[1.0, 0.5, 2.0]]}),
    "low-rank normal": (
        "LowRankMultivariateNormal",
        {"loc": [0.5, -1.0, 2.0], "cov_factor": [[1.0, 0.2], [0.1, -0.5], [0.7, 0.3]], "cov_diag": [0.5, 1.0, 2.0]},
    ),
    "multinomial": ("Multinomial", {"total_count": 5, "probs": WEIGHTS}),
    "multinomial logits": ("Multinomial", {"total_count": 3, "logits": LOGITS}),
    "multivariate normal": ("MultivariateNormal", {"loc": [0.5, -1.0, 2.0], "scale_tril": TRIL}),
    "multivariate normal covariance": (
        "MultivariateNormal", {"loc": [[0.5, -1.0, 2.0], [0.0, 1.0, 0.0]], "covariance_matrix": COVARIANCE},
    ),
    "multivariate normal precision": (
        "MultivariateNormal", {"loc": [0.5, -1.0, 2.0], "precision_matrix": [COVARIANCE, COVARIANCE]},
    ),
    "negative binomial": ("NegativeBinomial", {"total_count": 4.0, "probs": [0.1, 0.5, 0.9]}),
    "negative binomial logits": ("NegativeBinomial", {"total_count": [0.5, 3.0, 9.0], "logits": [-1.0, 0.0, 1.0]}),
    "normal": ("Normal", {"loc": [0.0, 1.0, -2.0], "scale": [1.0, 0.5, 3.0]}),
    "normal broadcast": ("Normal", {"loc": [[0.0], [1.0]], "scale": [1.0, 0.5, 3.0]}),
    "normal numbers": ("Normal", {"loc": 0.5, "scale": 2}),
    "one-hot": ("OneHotCategorical", {"probs": WEIGHTS}),
    "one-hot straight-through": ("OneHotCategoricalStraightThrough", {"logits": LOGITS}),
    "pareto": ("Pareto", {"scale": [1.0, 0.5, 3.0], "alpha": [0.8, 1.5, 4.0]}),
    "poisson": ("Poisson", {"rate": [0.3, 4.0, 50.0]}),
    "relaxed bernoulli": ("RelaxedBernoulli", {"temperature": [0.7], "probs": [0.1, 0.5, 0.9]}),
    "relaxed one-hot": ("RelaxedOneHotCategorical", {"temperature": [0.7], "logits": LOGITS}),
    "student t": ("StudentT", {"df": [0.8, 1.5, 7.0], "loc": [0.0, 1.0, -2.0], "scale": [1.0, 0.5, 3.0]}),
    "uniform": ("Uniform", {"low": [0.0, -1.0, 2.0], "high": [1.0, 0.5, 9.0]}),
    "von mises": ("VonMises", {"loc": [0.0, 1.0, -3.0], "concentration": [0.5, 3.0, 40.0]}),
    "weibull": ("Weibull", {"scale": [1.0, 0.5, 3.0], "concentration": [0.8, 1.5, 4.0]}),
    "wishart": ("Wishart", {"df": [4.5, 7.0], "covariance_matrix": COVARIANCE}),
    "wishart tril": ("Wishart", {"df": 5.0, "scale_tril": TRIL}),
    "wishart precision": ("Wishart", {"df": [6.0], "precision_matrix": COVARIANCE}),
}  # fmt: skip
COMPOSED = ("independent", "transformed", "mixture", "mixture of vectors", "stretched", "reshaped")

NUMBERS = ("mean", "mode", "variance", "stddev")
FUNCTIONS = ("entropy", "perplexity")


def distribution_cases():
    """(name, dtype); what is made of numbers alone has the default dtype."""
    numbers = {n for n, (_, kw) in DISTRIBUTIONS.items() if not any(isinstance(v, (list, tuple)) for v in kw.values())}
    return [(n, d) for n in [*DISTRIBUTIONS, *COMPOSED] for d in DTYPES if not (d == "float64" and n in numbers)]


def tensor(torch, value, dtype, leaves):
    if isinstance(value, tuple):
        return torch.tensor(value[1], dtype=getattr(torch, dtype))
    if not isinstance(value, list):
        return value
    made = torch.tensor(value, dtype=getattr(torch, dtype), requires_grad=True)
    leaves.append(made)
    return made


def build(torch, name, dtype):
    """A distribution and its parameters that require grad."""
    D = torch.distributions
    leaves = []

    def t(value):
        return tensor(torch, value, dtype, leaves)

    if name in DISTRIBUTIONS:
        kind, parameters = DISTRIBUTIONS[name]
        return getattr(D, kind)(**{k: t(v) for k, v in parameters.items()}), leaves
    normals = D.Normal(t([[0.0, 1.0, -2.0], [0.5, 0.2, 0.1]]), t([[1.0, 0.5, 3.0], [1.0, 2.0, 0.2]]))
    if name == "independent":
        return D.Independent(normals, 1), leaves
    if name == "mixture":
        return D.MixtureSameFamily(D.Categorical(t(WEIGHTS)), normals), leaves
    if name == "mixture of vectors":
        vectors = D.Independent(D.Normal(t([[0.0, 1.0], [2.0, 0.5], [1.0, 1.0]]), t([[1.0, 0.3]] * 3)), 1)
        return D.MixtureSameFamily(D.Categorical(logits=t(LOGITS[0])), vectors), leaves
    if name == "transformed":
        steps = [D.SoftplusTransform(), D.AffineTransform(t([0.1, 0.2, 0.3]), t([1.5, -2.0, 0.5]))]
        return D.TransformedDistribution(normals, steps), leaves
    if name == "stretched":
        return D.TransformedDistribution(D.Uniform(t([0.0, 0.1]), 1.0), D.SigmoidTransform().inv), leaves
    assert name == "reshaped"
    return D.TransformedDistribution(D.Independent(normals, 2), D.ReshapeTransform((2, 3), (3, 2))), leaves


def arrays(x):
    return None if x is None else x.detach().numpy()


def gradients(torch, out, leaves):
    """Gradients of a weighted sum, or None where nothing flows."""
    if not (out.requires_grad and leaves):
        return []
    weights = torch.linspace(0.5, 1.5, out.numel(), dtype=out.dtype).reshape(out.shape)
    return torch.autograd.grad((out * weights).sum(), leaves, allow_unused=True, retain_graph=True)


def attempt(found, key, torch, leaves, compute):
    """The value of ``compute()`` and its gradients, or the class of what it raises."""
    try:
        value = compute()
    except (NotImplementedError, ValueError, RuntimeError, AttributeError) as error:
        found[key] = type(error).__name__
        return None
    found[key] = arrays(value)
    if value.is_floating_point() and value.requires_grad and np.isfinite(found[key]).all():
        try:
            slopes = gradients(torch, value, leaves)
        except (NotImplementedError, RuntimeError) as error:
            found[f"{key} gradient"] = type(error).__name__
            return value
        for i, g in enumerate(slopes):
            if g is not None:
                found[f"{key} gradient {i}"] = arrays(g)
    return value


def distribution_results(torch, name, dtype):
    """Everything about one distribution: samples first, then functions of them; in float64 only the main ones."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(SEED)
        d, leaves = build(torch, name, dtype)
        found["repr"] = repr(d)
        found["shapes"] = [list(d.batch_shape), list(d.event_shape), bool(d.has_rsample)]
        found["support"] = repr(d.support)
        sample = d.sample((4,))
        found["sample"] = arrays(sample)
        found["next word"] = torch.rand(1).numpy()
        found["many"] = np.asarray(arrays(d.sample((11, 2))).astype(np.float64).sum(axis=(0, 1)))
        if dtype == "float64":
            attempt(found, "log_prob", torch, [], lambda: d.log_prob(sample))
            return found
        if d.has_rsample:
            torch.manual_seed(SEED)
            attempt(found, "rsample", torch, leaves, lambda: d.rsample((4,)))
        attempt(found, "log_prob", torch, leaves, lambda: d.log_prob(sample))
        attempt(found, "cdf", torch, leaves, lambda: d.cdf(sample))
        middle = torch.tensor([[0.1], [0.5], [0.8]], dtype=getattr(torch, dtype))
        attempt(found, "icdf", torch, leaves, lambda: d.icdf(middle))
        for key in NUMBERS:
            attempt(found, key, torch, leaves, lambda key=key: getattr(d, key))
        for key in FUNCTIONS:
            attempt(found, key, torch, leaves, lambda key=key: getattr(d, key)())
        if d.has_enumerate_support:
            attempt(found, "enumerate_support", torch, leaves, d.enumerate_support)
            attempt(found, "enumerate_support(False)", torch, leaves, lambda: d.enumerate_support(expand=False))
        wide = d.expand((2, *d.batch_shape))
        found["expanded"] = [repr(wide), list(wide.batch_shape), list(wide.event_shape)]
        attempt(found, "expanded log_prob", torch, [], lambda: wide.log_prob(sample[:2]))
        torch.manual_seed(SEED)
        found["expanded sample"] = arrays(wide.sample())
        if isinstance(d, torch.distributions.ExponentialFamily):
            general = torch.distributions.ExponentialFamily.entropy
            attempt(found, "bregman entropy", torch, leaves, lambda: general(d))
    return found


KL_SINGLES = {
    "Bernoulli": {"probs": [0.0, 0.4, 1.0, 0.3]},
    "Beta": {"concentration1": [0.5, 2.0, 9.0, 1.0], "concentration0": [0.7, 1.0, 12.0, 1.5]},
    "Binomial": {"total_count": 6, "probs": [0.2, 0.4, 0.6, 0.3]},
    "Categorical": {"probs": [[0.2, 0.0, 0.8], [0.5, 0.25, 0.25]]},
    "Cauchy": {"loc": [0.0, 1.0, -2.0, 0.5], "scale": [1.0, 0.5, 3.0, 1.0]},
    "Chi2": {"df": [0.5, 3.0, 30.0, 2.0]},
    "ContinuousBernoulli": {"probs": [0.1, 0.5, 0.9, 0.3]},
    "Dirichlet": {"concentration": [[0.3, 1.5, 8.0], [10.0, 20.0, 7.0]]},
    "Exponential": {"rate": [0.5, 1.0, 4.0, 2.0]},
    "Gamma": {"concentration": [0.2, 1.5, 20.0, 1.0], "rate": [1.0, 0.3, 4.0, 2.0]},
    "Geometric": {"probs": [0.1, 0.5, 0.9, 0.3]},
    "Gumbel": {"loc": [0.0, 1.0, -2.0, 0.5], "scale": [1.0, 0.5, 3.0, 1.0]},
    "HalfNormal": {"scale": [1.0, 0.5, 3.0, 2.0]},
    "Laplace": {"loc": [0.0, 1.0, -2.0, 0.5], "scale": [1.0, 0.5, 3.0, 1.0]},
    "LogNormal": {"loc": [0.0, 1.0, -2.0, 0.5], "scale": [1.0, 0.5, 3.0, 1.0]},
    "LowRankMultivariateNormal": {
        "loc": [0.5, -1.0, 2.0], "cov_factor": [[1.0, 0.2], [0.1, -0.5], [0.7, 0.3]], "cov_diag": [0.5, 1.0, 2.0],
    },
    "MultivariateNormal": {"loc": [[0.5, -1.0, 2.0], [0.0, 1.0, 0.0]], "covariance_matrix": COVARIANCE},
    "Normal": {"loc": [0.0, 1.0, -2.0, 0.5], "scale": [1.0, 0.5, 3.0, 1.0]},
    "OneHotCategorical": {"logits": LOGITS},
    "Pareto": {"scale": [1.0, 0.5, 3.0, 1.0], "alpha": [0.8, 1.5, 4.0, 2.5]},
    "Poisson": {"rate": [0.3, 4.0, 50.0, 1.0]},
    "Uniform": {"low": [0.0, -1.0, 2.0, 0.2], "high": [1.0, 0.5, 9.0, 0.8]},
    "Wishart": {"df": [4.5], "covariance_matrix": COVARIANCE},
}  # fmt: skip


def kl_pairs(torch):
    """All registered pairs, and those that only inherit or have none."""
    registry = torch.distributions.kl._KL_REGISTRY
    pairs = {(p.__name__, q.__name__) for p, q in registry}
    pairs = {(p, q) for p, q in pairs if p in KL_SINGLES and q in KL_SINGLES}
    extra = {
        ("Chi2", "Gamma"),
        ("Chi2", "Chi2"),
        ("LogNormal", "LogNormal"),
        ("Wishart", "Wishart"),
        ("Cauchy", "Normal"),
    }
    return sorted(pairs | extra | {("Poisson", "Geometric"), ("Gamma", "Beta"), ("Beta", "Dirichlet")})


def kl_results(torch, pair, dtype):
    found = {}
    leaves = []
    D = torch.distributions
    p, q = (
        getattr(D, name)(**{k: tensor(torch, v, dtype, leaves) for k, v in KL_SINGLES[name].items()}) for name in pair
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attempt(found, "kl", torch, leaves, lambda: D.kl_divergence(p, q))
        if type(p) is type(q) and "loc" in KL_SINGLES[pair[0]]:
            moved = dict(KL_SINGLES[pair[0]])
            moved["loc"] = (np.array(moved["loc"]) * 0.5 + 1).tolist()
            other = getattr(D, pair[0])(**{k: tensor(torch, v, dtype, leaves) for k, v in moved.items()})
            attempt(found, "kl moved", torch, leaves, lambda: D.kl_divergence(p, other))
        if type(p) is type(q) and len(KL_SINGLES[pair[0]]) == 1:
            ((name, value),) = KL_SINGLES[pair[0]].items()
            other = getattr(D, pair[0])(**{name: tensor(torch, np.array(value)[..., ::-1].tolist(), dtype, leaves)})
            attempt(found, "kl reversed", torch, leaves, lambda: D.kl_divergence(p, other))
    return found


def transforms(torch, dtype):
    """name -> (transform, input)"""
    D = torch.distributions

    def t(*values):
        return torch.tensor(values, dtype=getattr(torch, dtype))

    vector = t([0.3, -1.2, 0.8], [2.0, 0.1, -0.5])
    positive = vector.exp()
    T = D.transforms
    exp_then_stretch = T.ComposeTransform([T.ExpTransform(), T.AffineTransform(1.0, 2.0)])
    return {
        "abs": (T.AbsTransform(), vector),
        "affine": (T.AffineTransform(0.5, -2.0), vector),
        "affine event": (T.AffineTransform(t(0.5, 1.0, 2.0), t(1.0, -2.0, 3.0), event_dim=1), vector),
        "cat": (T.CatTransform([T.ExpTransform(), T.TanhTransform()], dim=-1, lengths=[1, 2]), vector),
        "compose": (exp_then_stretch, vector),
        "compose with vectors": (T.ComposeTransform([T.TanhTransform(), T.StickBreakingTransform()]), vector),
        "correlation": (T.CorrCholeskyTransform(), vector),
        "cumulative": (T.CumulativeDistributionTransform(D.Normal(t(0.1), t(1.5))), vector),
        "exp": (T.ExpTransform(), vector),
        "identity": (T.identity_transform, vector),
        "independent": (T.IndependentTransform(T.SigmoidTransform(), 1), vector),
        "inverse": (T.ExpTransform().inv, positive),
        "lower cholesky": (T.LowerCholeskyTransform(), t(TRIL, COVARIANCE)),
        "positive definite": (T.PositiveDefiniteTransform(), t(TRIL, COVARIANCE)),
        "power": (T.PowerTransform(2.5), positive),
        "power tensor": (T.PowerTransform(t(0.5, -1.0, 3.0)), positive),
        "reshape": (T.ReshapeTransform((2, 3), (6,)), vector),
        "sigmoid": (T.SigmoidTransform(), vector),
        "softmax": (T.SoftmaxTransform(), vector),
        "softplus": (T.SoftplusTransform(), vector),
        "stack": (T.StackTransform([T.ExpTransform(), T.TanhTransform(), T.AbsTransform()], dim=1), vector),
        "stack of bijections": (T.StackTransform([T.ExpTransform(), T.SigmoidTransform()], dim=0), vector),
        "stick breaking": (T.StickBreakingTransform(), vector),
        "tanh": (T.TanhTransform(), vector),
    }


def transform_results(torch, name, dtype):
    transform, x = transforms(torch, dtype)[name]
    x.requires_grad_(True)
    found = {"repr": repr(transform), "bijective": bool(transform.bijective)}
    for which in ("domain", "codomain"):
        c = getattr(transform, which)
        found[which] = [repr(c), c.event_dim, bool(c.is_discrete)]
    y = attempt(found, "forward", torch, [x], lambda: transform(x))
    attempt(found, "inverse", torch, [x], lambda: transform.inv(y.detach()))
    attempt(found, "log det", torch, [x], lambda: transform.log_abs_det_jacobian(x, y))
    attempt(found, "log det of the inverse", torch, [x], lambda: transform.inv.log_abs_det_jacobian(y, x))
    found["shapes"] = [list(transform.forward_shape(x.shape)), list(transform.inverse_shape(y.shape))]
    attempt(found, "sign", torch, [], lambda: torch.as_tensor(transform.sign))
    try:
        cached = transform.with_cache()
        z = cached(x)
        found["cached"] = [bool(cached.inv(z) is x), cached._cache_size, bool(cached == transform)]
    except NotImplementedError as error:
        found["cached"] = str(error).split(" ", 1)[-1][-24:]
    return found


def constraint_cases(torch):
    """name -> (constraint, value)"""
    c = torch.distributions.constraints

    def t(*values):
        return torch.tensor(values)

    numbers = t(-1.0, 0.0, 0.5, 1.0, 2.0, math.nan, math.inf)
    square = torch.tensor([COVARIANCE, TRIL, [[1.0, 0.0, 0.0]] * 3])
    singles = {
        name: (getattr(c, name), numbers)
        for name in ("boolean", "nonnegative", "nonnegative_integer", "positive", "positive_integer", "real",
                     "unit_interval")
    }  # fmt: skip
    matrices = {
        name: (getattr(c, name), square)
        for name in ("corr_cholesky", "lower_cholesky", "lower_triangular", "square", "symmetric", "positive_definite",
                     "positive_semidefinite")
    }  # fmt: skip
    rows = t([0.0, 1.0, 0.0], [0.2, 0.3, 0.5], [1.0, 1.0, 0.0], [-0.5, 0.5, 1.0])
    correlation = t([[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [0.6, 0.9]])
    return {
        **singles, **matrices,
        "correlation": (c.corr_cholesky, correlation),
        "definite": (c.positive_definite, t(COVARIANCE, [[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]])),
        "semidefinite": (c.positive_semidefinite, t(COVARIANCE, [[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]])),
        "oblong": (c.positive_definite, torch.ones(2, 3, 2)),
        "one_hot": (c.one_hot, rows), "simplex": (c.simplex, rows), "real_vector": (c.real_vector, rows),
        "multinomial": (c.multinomial(2), rows),
        "greater_than": (c.greater_than(0.5), numbers), "greater_than_eq": (c.greater_than_eq(0.5), numbers),
        "less_than": (c.less_than(0.5), numbers), "interval": (c.interval(0.0, 1.0), numbers),
        "half_open_interval": (c.half_open_interval(0.0, 1.0), numbers),
        "integer_interval": (c.integer_interval(0, 1), numbers),
        "bound tensor": (c.interval(t(0.0, -1.0, 2.0), t(1.0, 0.0, 3.0)), rows),
        "independent": (c.independent(c.positive, 1), rows),
        "mixture": (c.MixtureSameFamilyConstraint(c.interval(t(0.0, -1.0), 1.0)), numbers),
        "cat": (c.cat([c.positive, c.unit_interval], dim=-1, lengths=[1, 2]), rows),
        "stack": (c.stack([c.positive, c.unit_interval, c.real], dim=-1), rows),
    }  # fmt: skip


def constraint_results(torch, name):
    c, value = constraint_cases(torch)[name]
    found = {
        "repr": repr(c),
        "check": arrays(c.check(value)),
        "event_dim": c.event_dim,
        "discrete": bool(c.is_discrete),
    }
    for registry in ("biject_to", "transform_to"):
        try:
            transform = getattr(torch.distributions, registry)(c)
        except NotImplementedError as error:
            found[registry] = str(error)
            continue
        found[registry] = [repr(transform), bool(transform.bijective), repr(transform.codomain)]
    return found


ERRORS = {
    "no scale": "D.Normal(0.0, -1.0)",
    "nan loc": "D.Normal(torch.tensor([0.0, float('nan')]), 1.0)",
    "two wrong": "D.Normal(torch.tensor([0.0, float('nan')]), torch.tensor([1.0, -1.0]))",
    "pending scale": "D.Normal(0.0, torch.tensor([1.0, 2.0]) - 1.5)",
    "both": "D.Bernoulli(probs=0.5, logits=0.0)",
    "neither": "D.Categorical()",
    "probs": "D.Bernoulli(1.5)",
    "categorical scalar": "D.Categorical(torch.tensor(1.0))",
    "categorical negative": "D.Categorical(torch.tensor([0.5, -0.5, 1.0]))",
    "geometric zero": "D.Geometric(torch.tensor([0.0, 0.5]))",
    "string": "D.Normal('a', 1.0)",
    "uniform": "D.Uniform(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]))",
    "inner": "D.LogNormal(0.0, -1.0)",
    "beta": "D.Beta(torch.tensor([-1.0, 1.0]), 1.0)",
    "student": "D.StudentT(-1.0)",
    "half": "D.HalfNormal(-1.0)",
    "matrix": "D.MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 2.0], [2.0, 1.0]]))",
    "asymmetric": "D.MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 0.5], [0.0, 1.0]]))",
    "no matrix": "D.MultivariateNormal(torch.zeros(2))",
    "vector": "D.MultivariateNormal(torch.tensor(0.0), torch.eye(2))",
    "wishart df": "D.Wishart(1.0, torch.eye(3))",
    "lkj": "D.LKJCholesky(1)",
    "value": "D.Poisson(2.0).log_prob(torch.tensor([1.5, -1.0]))",
    "value support": "D.Beta(1.0, 1.0).log_prob(torch.tensor(2.0))",
    "value bound": "D.Uniform(0.0, 1.0).cdf(torch.tensor([0.5, 3.0]))",
    "value type": "D.Normal(0.0, 1.0).log_prob(1.0)",
    "value shape": "D.Normal(torch.zeros(3), 1.0).log_prob(torch.zeros(2))",
    "value event": "D.Dirichlet(torch.ones(3)).log_prob(torch.zeros(2))",
    "unchecked": "D.Normal(0.0, -1.0, validate_args=False).scale",
    "unchecked sample": "D.Normal(0.0, -1.0, validate_args=False).sample()",
    "independent": "D.Independent(D.Normal(0.0, 1.0), 1)",
    "no transform": "D.TransformedDistribution(D.Normal(0.0, 1.0), [1])",
    "not a list": "D.TransformedDistribution(D.Normal(0.0, 1.0), 1)",
    "no dims": "D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform())",
    "mixture": "D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(torch.zeros(2), 1.0))",
    "mixture size": "D.MixtureSameFamily(D.Categorical(torch.ones(3)), D.Normal(torch.zeros(2), 1.0))",
    "cache": "D.ExpTransform(cache_size=2)",
    "reshape": "D.ReshapeTransform((2,), (3,))",
    "no kl": "D.kl_divergence(D.Cauchy(0.0, 1.0), D.Normal(0.0, 1.0))",
    "kl type": "D.kl.register_kl(1, D.Normal)",
    "registry": "D.biject_to(D.constraints.one_hot)",
    "registry type": "D.biject_to.register(3, 4)",
    "dependent": "D.constraints.dependent.check(1)",
    "dependent dim": "D.constraints.dependent.event_dim",
    "inhomogeneous": "D.Binomial(torch.tensor([1.0, 2.0]), torch.tensor(0.5)).entropy()",
    "multinomial": "D.Multinomial(torch.tensor(2), torch.ones(2))",
    "default": "D.Distribution.set_default_validate_args(3)",
    "no mode": "D.Distribution(validate_args=False).mode",
    "triangle": "D.utils.vec_to_tril_matrix(torch.zeros(4))",
    "triangle diag": "D.utils.tril_matrix_to_vec(torch.zeros(2, 2), 5)",
    "low rank": "D.LowRankMultivariateNormal(torch.zeros(2), torch.zeros(3, 1), torch.ones(2))",
    "enumerate": "D.Independent(D.Bernoulli(torch.ones(2) / 2), 1).enumerate_support()",
    "cat dims": "D.CatTransform([D.ExpTransform()], dim=1)(torch.zeros(2))",
    "stack size": "D.StackTransform([D.ExpTransform()])(torch.zeros(2))",
    "correlation": "D.CorrCholeskyTransform().forward_shape((4,))",
    "custom": "type('Mine', (D.Normal,), {'__init__': lambda s: D.Normal.__init__(s, 0.0, 1.0)})().expand((2,))",
}


def error_result(torch, name):
    D = torch.distributions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return repr(eval(ERRORS[name], {"torch": torch, "D": D}))
        except Exception as error:
            return [type(error).__name__, str(error)]


def packed(value):
    """JSON for arrays: dtype, shape and the shortest decimals that give the numbers back."""
    if isinstance(value, np.ndarray):
        flat = value.reshape(-1)
        values = [float(str(x)) for x in flat] if value.dtype.kind == "f" else flat.tolist()
        return {"dtype": value.dtype.name, "shape": list(value.shape), "values": values}
    return value


def record(torch):
    found = {f"distribution/{n}/{d}": distribution_results(torch, n, d) for n, d in distribution_cases()}
    found.update({f"kl/{p}/{q}": kl_results(torch, (p, q), "float64") for p, q in kl_pairs(torch)})
    found.update({f"transform/{n}": transform_results(torch, n, "float64") for n in transforms(torch, "float64")})
    found.update({f"constraint/{n}": constraint_results(torch, n) for n in constraint_cases(torch)})
    found["errors"] = {name: error_result(torch, name) for name in ERRORS}
    found["kl pairs"] = sorted([p.__name__, q.__name__] for p, q in torch.distributions.kl._KL_REGISTRY)
    return {
        key: {k: packed(v) for k, v in part.items()} if isinstance(part, dict) else part for key, part in found.items()
    }


if __name__ == "__main__":
    import torch

    text = json.dumps(record(torch), separators=(",", ":"))
    with gzip.GzipFile(OUT, "wb", mtime=0) as file:
        file.write(text.encode())
    print(f"{OUT}: {OUT.stat().st_size} bytes")
