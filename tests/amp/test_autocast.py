"""Autocast regions: nesting, caching, threads, gradients, custom functions; the scaler's rules."""

import pickle
import threading

import pytest

import torchax_lite as torch
from torchax_lite.amp import _state
from torchax_lite.tensor import dispatch, op_interception

x = torch.ones(2, 2)
plain_codes = {f: f.__code__ for f in (dispatch.call, dispatch.call1, dispatch.call2, dispatch.call_out)}


@pytest.fixture(autouse=True)
def left_as_found():
    yield
    assert not _state.state.enabled and not _state.state.cache and _state.state.nesting == 0
    assert all(f.__code__ is code for f, code in plain_codes.items())


def test_nesting_and_disabled_regions():
    with torch.autocast("cpu"):
        assert (x @ x).dtype is torch.bfloat16 and torch.is_autocast_enabled("cpu") and not torch.is_autocast_enabled()
        with torch.autocast("cpu", enabled=False):
            assert (x @ x).dtype is torch.float32
            with torch.autocast("cpu", torch.float16):
                assert (x @ x).dtype is torch.float16 and torch.get_autocast_dtype("cpu") is torch.float16
        assert (x @ x).dtype is torch.bfloat16
    assert (x @ x).dtype is torch.float32 and torch.get_autocast_dtype("cpu") is torch.bfloat16


def test_a_region_left_by_an_error_is_left():
    with pytest.raises(ZeroDivisionError), torch.autocast("cpu"):
        raise ZeroDivisionError
    assert (x @ x).dtype is torch.float32


def test_decorator_and_keyword_forms():
    @torch.autocast(device_type="cpu", dtype=torch.bfloat16)
    def product(a):
        return a @ a

    assert product(x).dtype is torch.bfloat16 and (x @ x).dtype is torch.float32


def test_weights_are_cast_once():
    layer = torch.nn.Linear(2, 2)
    with torch.autocast("cpu"):
        a = layer(x)
        with torch.autocast("cpu"):
            b = layer(x)
        assert len(_state.state.cache) == 2
    (a + b).float().sum().backward()
    assert layer.weight.grad.dtype is torch.float32 and layer.weight.grad.tolist() == [[4.0, 4.0], [4.0, 4.0]]
    with torch.autocast("cpu", cache_enabled=False):
        layer(x)
        assert not _state.state.cache


def test_a_weight_changed_inside_the_region_is_cast_anew():
    w = torch.ones(2, 2, requires_grad=True)
    with torch.autocast("cpu"):
        assert (x @ w).tolist() == [[2.0, 2.0], [2.0, 2.0]]
        with torch.no_grad():
            w.mul_(3)
            assert (x @ w).tolist() == [[6.0, 6.0], [6.0, 6.0]]
        assert (x @ w).requires_grad


def test_other_threads_are_not_in_the_region():
    seen = []
    with torch.autocast("cpu"):
        thread = threading.Thread(target=lambda: seen.append((x @ x).dtype))
        thread.start()
        thread.join()
    assert seen == [torch.float32]


def test_switches_without_a_region():
    torch.set_autocast_enabled("cpu", True)
    torch.set_autocast_dtype("cpu", torch.float16)
    try:
        assert (x @ x).dtype is torch.float16
    finally:
        torch.set_autocast_dtype("cpu", torch.bfloat16)
        torch.set_autocast_enabled("cpu", False)
        torch.clear_autocast_cache()
    with pytest.warns(DeprecationWarning, match="is_autocast_cpu_enabled"):
        assert not torch.is_autocast_cpu_enabled()


def test_cuda_lists_on_the_xla_device():
    a = torch.ones(2, 2, device="xla")
    h = a.half()
    with torch.autocast("xla", torch.float16):
        assert (a @ a).dtype is torch.float16 and h.softmax(0).dtype is torch.float32 and h.exp().dtype is torch.float32
        assert h.sum().dtype is torch.float32 and h.norm().dtype is torch.float32 and (h + h).dtype is torch.float16
        assert (
            torch.addcmul(h, a, h).dtype is torch.float32
            and torch.nn.functional.layer_norm(h, (2,)).dtype is torch.float32
        )
        assert h.sum(dtype=torch.float16).dtype is torch.float16 and torch.mv(a, a[0]).dtype is torch.float16
        assert (x @ x).dtype is torch.float32
        with pytest.raises(RuntimeError, match="unsafe to autocast"):
            torch.nn.functional.binary_cross_entropy(h, h)
    assert h.softmax(0).dtype is torch.float16


def test_messages():
    with pytest.raises(ValueError, match="Expected `device_type` of type `str`"):
        torch.autocast(torch.device("cpu"))
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        torch.autocast("gpu")
    with pytest.warns(UserWarning, match="In CPU autocast, but the target dtype is not supported"):
        assert not torch.autocast("cpu", torch.float64)._enabled
    with torch.autocast("cpu"), pytest.raises(RuntimeError, match="Unexpected floating ScalarType"):
        torch.cat([x.half(), x.half()])


def test_custom_functions():
    class Product(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            seen.append((a.dtype, torch.is_autocast_enabled("cpu")))
            return a @ b

        @staticmethod
        @torch.amp.custom_bwd(device_type="cpu")
        def backward(ctx, grad):
            a, b = ctx.saved_tensors
            seen.append(torch.is_autocast_enabled("cpu"))
            return grad @ b.t(), a.t() @ grad

    seen = []
    a = torch.ones(2, 2, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu"):
        out = Product.apply(a, x)
    out.sum().backward()
    assert out.dtype is torch.float32 and seen == [(torch.float32, False), False] and a.grad.dtype is torch.bfloat16


# -- GradScaler --------------------------------------------------------------------------------------------------------


def make_step(grad):
    p = torch.nn.Parameter(torch.ones(2))
    p.grad = torch.tensor(grad)
    return p, torch.optim.SGD([p], 1.0), torch.amp.GradScaler("cpu", init_scale=4.0)


def test_order_of_calls():
    _, optimizer, scaler = make_step([4.0, 8.0])
    with pytest.raises(AssertionError, match="_scale is None"):
        scaler.unscale_(optimizer)
    scaler.scale(torch.ones(1))
    with pytest.raises(AssertionError, match="No inf checks were recorded prior to update"):
        scaler.update()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="already been called on this optimizer"):
        scaler.unscale_(optimizer)
    with pytest.raises(AssertionError, match="may only be pickled"):
        pickle.dumps(scaler)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="called after step"):
        scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called"):
        scaler.step(optimizer)
    scaler.update()
    assert pickle.loads(pickle.dumps(scaler)).get_scale() == 4.0


def test_one_optimizer_overflows_and_the_other_steps():
    p, first, scaler = make_step([4.0, float("inf")])
    q = torch.nn.Parameter(torch.ones(2))
    q.grad = torch.tensor([4.0, 8.0])
    second = torch.optim.SGD([q], 1.0)
    scaler.scale([torch.ones(1), (torch.ones(1),)])
    assert scaler.step(first) is None
    scaler.step(second)
    scaler.update()
    assert p.tolist() == [1.0, 1.0] and q.tolist() == [0.0, -1.0] and scaler.get_scale() == 2.0


def test_fp16_gradients_and_other_refusals():
    p = torch.nn.Parameter(torch.ones(2).half())
    p.grad = torch.ones(2).half()
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(torch.ones(1))
    with pytest.raises(ValueError, match="Attempting to unscale FP16 gradients"):
        scaler.unscale_(torch.optim.SGD([p], 1.0))
    with pytest.raises(AssertionError, match="growth factor must be > 1"):
        torch.amp.GradScaler("cpu", growth_factor=0.5)
    with pytest.raises(RuntimeError, match="source state dict is empty"):
        scaler.load_state_dict({})
    assert torch.amp.GradScaler("cpu", enabled=False).scale(3) == 3


def test_an_optimizer_that_scales_by_itself():
    class Own(torch.optim.SGD):
        _step_supports_amp_scaling = True

        def step(self):
            seen.append((float(self.grad_scale), float(self.found_inf)))

    p, _, scaler = make_step([4.0, float("nan")])
    seen = []
    scaler.scale(torch.ones(1))
    scaler.step(Own([p], 1.0))
    scaler.update()
    assert seen == [(4.0, 1.0)] and scaler.get_scale() == 2.0 and p.grad[0] == 4.0


def test_interception_costs_nothing_afterwards():
    calls = []

    def handler(op, tensors, scalars, statics):
        calls.append(op.name)
        return dispatch.call(op, tensors, scalars, statics)

    op_interception.push(handler)
    try:
        (x + x).exp()
    finally:
        op_interception.pop(handler)
    x + x
    assert calls == ["add", "exp"]
