"""weight_norm, spectral_norm and the conversion of convolutions' weights to memory formats."""

from __future__ import annotations

import copy
import math

import pytest

import torchax_lite as torch
from torchax_lite import nn
from torchax_lite.nn import utils


@pytest.mark.parametrize(("dim", "shape"), [(0, (4, 1)), (1, (1, 3)), (None, ()), (-1, ())])
def test_weight_norm_keeps_the_result_and_splits_length_from_direction(dim: int | None, shape: tuple[int, ...]) -> None:
    layer, x = nn.Linear(3, 4), torch.ones(2, 3)
    before = layer(x)
    assert utils.weight_norm(layer, dim=dim) is layer
    assert list(layer.state_dict()) == ["bias", "weight_g", "weight_v"] and layer.weight_g.shape == shape
    assert torch.allclose(layer(x), before, atol=1e-6)
    with torch.no_grad():
        layer.weight_v.mul_(7)
        layer.weight_g.mul_(2)
    assert torch.allclose(layer(x) - layer.bias, 2 * (before - layer.bias), atol=1e-5)
    layer(x).sum().backward()
    along = (layer.weight_v.grad * layer.weight_v).sum()
    assert abs(along.item()) < 1e-4 and layer.weight_g.grad.abs().sum() > 0


def test_weight_norm_is_removed_with_its_value() -> None:
    layer, x = utils.weight_norm(nn.Linear(3, 4)), torch.ones(1, 3)
    before = layer(x)
    with pytest.raises(RuntimeError, match="Cannot register two weight_norm hooks on the same parameter weight"):
        utils.weight_norm(layer)
    utils.remove_weight_norm(layer)
    assert isinstance(layer.weight, nn.Parameter) and sorted(layer.state_dict()) == ["bias", "weight"]
    assert torch.allclose(layer(x), before, atol=1e-6) and not layer._forward_pre_hooks
    with pytest.raises(ValueError, match="weight_norm of 'weight' not found in Linear"):
        utils.remove_weight_norm(layer)


def test_spectral_norm_approaches_the_largest_singular_value() -> None:
    layer = utils.spectral_norm(nn.Linear(3, 4), n_power_iterations=50)
    layer(torch.ones(1, 3))
    assert torch.linalg.svdvals(layer.weight.detach())[0].item() == pytest.approx(1.0, abs=1e-4)
    assert list(layer.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    assert [n for n, _ in layer.named_parameters()] == ["bias", "weight_orig"]


def test_spectral_norm_moves_its_vectors_in_training_only() -> None:
    layer, x = utils.spectral_norm(nn.Linear(3, 4)), torch.ones(1, 3)
    first = layer.weight_u.clone()
    loss = layer(x).sum() + layer(x).sum()
    second = layer.weight_u.clone()
    loss.backward()
    assert not torch.equal(first, second) and layer.weight_orig.grad.isfinite().all()
    layer.eval()(x)
    assert torch.equal(layer.weight_u, second)


def test_spectral_norm_rows_of_transposed_convolutions() -> None:
    layer = utils.spectral_norm(nn.ConvTranspose2d(2, 3, 2))
    assert layer.weight_u.shape == (3,) and layer.weight_v.shape == (8,)


def test_spectral_norm_states_of_both_versions_load() -> None:
    layer = utils.spectral_norm(nn.Linear(3, 4), n_power_iterations=30)
    x = torch.ones(1, 3)
    layer(x)
    wanted = layer.eval()(x)
    state = layer.state_dict()
    assert state._metadata[""]["spectral_norm"] == {"weight.version": 1}
    other = utils.spectral_norm(nn.Linear(3, 4)).eval()
    other.load_state_dict(state)
    assert torch.allclose(other(x), wanted)

    old = {"bias": layer.bias, "weight_orig": layer.weight_orig, "weight_u": layer.weight_u, "weight": layer.weight}
    other = utils.spectral_norm(nn.Linear(3, 4)).eval()
    other.load_state_dict(old)
    assert torch.allclose(other(x), wanted, atol=1e-4)
    del old["weight_u"]
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict(old)


def test_spectral_norm_is_removed_with_all_its_hooks() -> None:
    layer, x = utils.spectral_norm(nn.Linear(3, 4)), torch.ones(1, 3)
    with pytest.raises(RuntimeError, match="Cannot register two spectral_norm hooks on the same parameter weight"):
        utils.spectral_norm(layer)
    before = layer.eval()(x)
    utils.remove_spectral_norm(layer)
    assert torch.allclose(layer(x), before) and sorted(layer.state_dict()) == ["bias", "weight"]
    assert not (layer._forward_pre_hooks or layer._state_dict_hooks or layer._load_state_dict_pre_hooks)
    with pytest.raises(ValueError, match="spectral_norm of 'weight' not found"):
        utils.remove_spectral_norm(layer)
    with pytest.raises(ValueError, match="Expected n_power_iterations to be positive"):
        utils.spectral_norm(layer, n_power_iterations=0)


def test_copies_of_normalized_modules_are_independent() -> None:
    layer = utils.spectral_norm(nn.Linear(3, 4))
    layer.eval()
    with torch.no_grad():
        layer(torch.ones(1, 3))
    twin = copy.deepcopy(layer)
    with torch.no_grad():
        twin.weight_orig.mul_(math.pi)
        twin.bias.zero_()
    assert not torch.equal(twin.weight_orig, layer.weight_orig)
    assert torch.allclose(twin(torch.ones(1, 3)), layer(torch.ones(1, 3)) - layer.bias, atol=1e-5)


def test_weights_of_convolutions_change_their_memory_format() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Linear(2, 2), nn.ConvTranspose2d(3, 2, 2))
    assert utils.convert_conv2d_weight_memory_format(model, torch.channels_last) is model
    assert model[0].weight.stride() == (8, 1, 4, 2) and model[2].weight.stride() == (8, 1, 4, 2)
    deep = utils.convert_conv3d_weight_memory_format(nn.Conv3d(2, 3, 2), torch.channels_last_3d)
    assert deep.weight.stride() == (16, 1, 8, 4, 2) and isinstance(deep.weight, nn.Parameter)
