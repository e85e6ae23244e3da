"""Programs under autocast and with a gradient scaler, run by PyTorch (recorder) and by this package (tests)."""

from __future__ import annotations

import warnings


def autocast_cases(torch):
    """Name -> function of a tensor ``a`` (4, 4); ``x`` is a float32 tensor of that shape."""
    F = torch.nn.functional
    x = (torch.arange(16.0) / 7 - 1).reshape(4, 4)
    index = torch.tensor([0, 1, 2, 3])
    return {
        "mm": lambda a: torch.mm(a, x), "matmul": lambda a: a @ x, "matvec": lambda a: a @ x[0],
        "bmm": lambda a: torch.bmm(a[None], x[None]), "baddbmm": lambda a: torch.baddbmm(a[None], x[None], x[None]),
        "addmm": lambda a: torch.addmm(x[0], a, x), "addmm_out": lambda a: torch.mm(x, x, out=torch.empty(4, 4)),
        "addmm_": lambda a: x.clone().addmm_(x, x), "linear": lambda a: F.linear(a, x, x[0]),
        "linear_vector": lambda a: F.linear(a[0], x, x[0]), "conv1d": lambda a: F.conv1d(a[None], x[None, :, :2], x[0, :1]),
        "conv2d": lambda a: F.conv2d(a[None, None], x[None, None, :2, :2]),
        "conv_transpose2d": lambda a: F.conv_transpose2d(a[None, None], x[None, None, :2, :2]),
        "prelu": lambda a: F.prelu(a, x[0, :1]), "einsum": lambda a: torch.einsum("ij,jk->ik", a, x),
        "einsum_transpose": lambda a: torch.einsum("ij->ji", a), "outer": lambda a: torch.outer(a[0], a[1]),
        "mv": lambda a: torch.mv(x, x[0]), "vecdot": lambda a: torch.linalg.vecdot(a, x),
        "sdpa": lambda a: F.scaled_dot_product_attention(a[None, None], x[None, None], x[None, None]),
        "softmax": lambda a: a.softmax(0), "exp": lambda a: a.exp(), "sum": lambda a: a.sum(), "norm": lambda a: a.norm(),
        "prod": lambda a: a.prod(), "add": lambda a: a + x, "relu": lambda a: F.relu(a), "cat": lambda a: torch.cat([a, x]),
        "stack": lambda a: torch.stack([x, a]), "trace": lambda a: a.trace(), "quantile": lambda a: a.quantile(0.5),
        "layer_norm": lambda a: F.layer_norm(a, (4,)), "cross_entropy": lambda a: F.cross_entropy(a, index),
        "nll_loss": lambda a: F.nll_loss(a, index), "mse_loss": lambda a: F.mse_loss(a, x),
        "l1_loss": lambda a: F.l1_loss(a, x), "smooth_l1": lambda a: F.smooth_l1_loss(a, x),
        "kl_div": lambda a: F.kl_div(a, x.softmax(0)), "hinge": lambda a: F.hinge_embedding_loss(a, x.sign()),
        "cosine_embedding": lambda a: F.cosine_embedding_loss(a, x, torch.ones(4)),
        "triplet": lambda a: F.triplet_margin_loss(a, x, -x), "margin": lambda a: F.margin_ranking_loss(a, x, x.sign()),
        "poisson": lambda a: F.poisson_nll_loss(a, x.abs()), "bce": lambda a: F.binary_cross_entropy(a.sigmoid(), x.sigmoid()),
        "bce_logits": lambda a: F.binary_cross_entropy_with_logits(a, x.sigmoid()),
        "avg_pool3d": lambda a: F.avg_pool3d(a[None, None], 1), "avg_pool2d": lambda a: F.avg_pool2d(a[None], 2),
        "pad_reflect": lambda a: F.pad(a, (1, 1), mode="reflect"), "cdist": lambda a: torch.cdist(a, x),
        "grid_sample": lambda a: F.grid_sample(a[None, None], x.reshape(1, 2, 4, 2), align_corners=False),
        "inverse": lambda a: (a + 4 * torch.eye(4)).inverse(), "matrix_power": lambda a: torch.matrix_power(a, 2),
        "linalg_solve": lambda a: torch.linalg.solve(a + 4 * torch.eye(4), x), "addr": lambda a: torch.addr(a, x[0], x[1]),
        "double": lambda a: a.double() @ x.double(), "index_copy": lambda a: a.clone().index_copy(0, index, x.to(a.dtype)),
        "batch_norm": lambda a: F.batch_norm(a, torch.zeros(4), torch.ones(4)), "interpolate": lambda a: F.interpolate(
            a[None, None], scale_factor=2.0
        ),
    }  # fmt: skip


def autocast_results(torch):
    """For each case, input dtype and low precision: [dtype of the result, its sum] or the error."""
    found = {}
    base = (torch.arange(16.0) / 5 - 1.3).reshape(4, 4)
    for low in ("bfloat16", "float16"):
        for given in ("float32", "bfloat16", "float16"):
            for name, case in autocast_cases(torch).items():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        with torch.autocast("cpu", getattr(torch, low)):
                            out = case(base.to(getattr(torch, given)))
                        result = [str(out.dtype).removeprefix("torch."), float(out.double().sum())]
                    except (RuntimeError, NotImplementedError) as error:
                        result = [type(error).__name__, str(error)[:40]]
                found[f"{low}/{given}/{name}"] = result
    return found


def autocast_training(torch):
    """Losses of a small network trained under autocast; the weights stay float32."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 10),
        torch.nn.LayerNorm(10), torch.nn.Linear(10, 3),
    )  # fmt: skip
    x, y = torch.randn(8, 1, 8, 8), torch.randint(0, 3, (8,))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for _ in range(5):
        with torch.autocast("cpu", torch.bfloat16):
            loss = torch.nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    return losses


def scaler_run(torch):
    """Scale, growth tracker and a weight over steps, some with overflow, with clipping between unscale and step."""
    p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = torch.optim.SGD([p], lr=0.5, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    found = []
    for step, factor in enumerate([1.0, 2.0, float("inf"), 3.0, 1.0, 1.0, float("nan"), float("inf"), 0.5]):
        optimizer.zero_grad()
        scaler.scale((p * p * factor).sum()).backward()
        if step % 2:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_([p], 1.0)
        scaler.step(optimizer)
        scaler.update()
        found.append([scaler.get_scale(), scaler._get_growth_tracker(), *p.tolist()])
    return [found, scaler.state_dict()]


def flop_counts(torch):
    """Flops of a small network and of single products, by module."""
    from importlib import import_module

    counter = import_module(torch.__name__ + ".utils.flop_counter").FlopCounterMode
    F = torch.nn.functional
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 10))
    x = torch.ones(2, 3, 8, 8)
    found = []
    with counter(display=False) as count:
        net(x).sum().backward()
    found.append({m: {str(op): n for op, n in ops.items()} for m, ops in count.get_flop_counts().items()})
    with counter(display=False) as count:
        torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 4, 5))
        torch.baddbmm(torch.ones(2, 3, 5), torch.ones(2, 3, 4), torch.ones(2, 4, 5))
        weight = torch.ones(3, 4, 3, 3, requires_grad=True)
        F.conv_transpose2d(x.requires_grad_(), weight).sum().backward()
        F.conv2d(torch.ones(1, 4, 8, 8, requires_grad=True), torch.ones(4, 2, 3, 3, requires_grad=True), groups=2, stride=2
                 ).sum().backward()  # fmt: skip
        torch.ones(3) @ torch.ones(3, 4)
        torch.einsum("ij,jk", torch.ones(2, 3), torch.ones(3, 4))
        torch.ones(3, 4).mv(torch.ones(4))
        torch.ones(2, 2, 3) @ torch.ones(3, 4, requires_grad=True)
    found.append({m: {str(op): n for op, n in ops.items()} for m, ops in count.get_flop_counts().items()})
    return found


def record(torch):
    """Everything above, as recorded."""
    return {
        "autocast": autocast_results(torch), "training": autocast_training(torch), "scaler": scaler_run(torch),
        "flops": flop_counts(torch),
    }  # fmt: skip
