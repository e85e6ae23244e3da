"""``torchvision.models`` against torchvision's own (``tests/recorders/record_vision_models.py``)."""

from __future__ import annotations

import json
import pathlib
import pickle
import warnings

import numpy as np
import pytest
from recorded import load_recorder

import torchax_lite as torch
from torchax_lite import vision
from torchax_lite.engine import executor
from torchax_lite.vision import models

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads((TESTS / "data" / "vision_models.json").read_text())
QUICK = ("squeezenet1_1",)
"""Models that are run on an image in every test run."""


recorder = load_recorder("record_vision_models")


@pytest.fixture(autouse=True)
def quiet_and_cheap(monkeypatch):
    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    monkeypatch.setattr(executor, "quick_options", lambda platform: options)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The default weight initialization")
        yield


def marked(names, quick):
    return [pytest.param(n, marks=() if quick(n) else pytest.mark.slow) for n in names]


def having(part):
    return [name for name, found in RECORD.items() if part in found]


def test_the_models_of_torchvision_are_there():
    assert set(recorder.names(vision)) == set(RECORD)
    assert models.list_models(models, include="*resnet*") == models.list_models(models, include=["*resnet*"])


@pytest.mark.parametrize("name", marked(RECORD, lambda n: not n.startswith("regnet") or "400mf" in n))
def test_state_and_printing(name):
    found = recorder.structure(torch, vision, name)
    assert found == {key: RECORD[name][key] for key in found}


@pytest.mark.parametrize("name", marked(having("values"), lambda n: RECORD[n]["parameters"] < 3_000_000))
def test_initial_values_are_torchvisions_to_the_bit(name):
    found = recorder.initial(torch, vision, name)
    assert found == {key: RECORD[name][key] for key in found}


@pytest.mark.parametrize("name", marked(having("output"), lambda n: n in QUICK))
def test_outputs(name):
    found = recorder.output(torch, vision, name)
    assert set(found) == set(RECORD[name]["output"])
    for key, (shape, mean, largest, values) in RECORD[name]["output"].items():
        assert found[key][0] == shape
        np.testing.assert_allclose([found[key][1], *found[key][3]], [mean, *values], rtol=1e-3, atol=2e-4 * largest)
        np.testing.assert_allclose(found[key][2], largest, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", having("gradient"))
def test_gradients_in_training(name):
    found, expected = recorder.gradient(torch, vision, name), RECORD[name]["gradient"]
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=2e-4)
    np.testing.assert_allclose(found["norms"], expected["norms"], rtol=2e-3)


# ---------------------------------------------------------------- builders and weights
def test_old_ways_of_asking_for_weights_warn(monkeypatch):
    asked = []
    monkeypatch.setattr(models._api, "load_state_dict_from_url", lambda url, **options: asked.append(url) or STATE)
    STATE = models.squeezenet1_1().state_dict()
    with pytest.warns(UserWarning) as caught:
        models.squeezenet1_1(pretrained=True)
    texts = [str(w.message) for w in caught]
    assert texts[0].startswith("The parameter 'pretrained' is deprecated since 0.13")
    assert "equivalent to passing `weights=SqueezeNet1_1_Weights.IMAGENET1K_V1`" in texts[1]
    with pytest.warns(UserWarning, match="Using 'weights' as positional parameter"):
        models.squeezenet1_1(True)
    with pytest.warns(UserWarning, match="equivalent to passing `weights=None`"):
        models.squeezenet1_1(pretrained=False)
    assert asked == ["https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth"] * 2
    with pytest.raises(ValueError, match="No weights available for model vit_h_14"):
        models.vit_h_14(pretrained=True)


def test_weights_come_from_a_file_in_the_folder_of_downloads(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(3)
    state = models.squeezenet1_1().state_dict()
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(state, folder / "squeezenet1_1-b8a52dc0.pth")
    for weights in (models.SqueezeNet1_1_Weights.DEFAULT, "DEFAULT", "SqueezeNet1_1_Weights.IMAGENET1K_V1"):
        loaded = models.squeezenet1_1(weights=weights).state_dict()
        assert all(torch.equal(loaded[k], v) for k, v in state.items())


def test_weights_that_would_have_to_be_downloaded_say_so(monkeypatch, tmp_path):
    from torchax_lite import hub

    def refuse(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(hub, "urlopen", refuse)
    with pytest.raises(RuntimeError, match="Put the file at .*resnet18-f37072fd.pth"):
        models.resnet18(weights="DEFAULT")


def test_errors_of_builders():
    with pytest.raises(ValueError, match="Unknown model nothing"):
        models.get_model("nothing")
    with pytest.raises(KeyError):
        models.resnet18(weights="IMAGENET1K_V7")
    with pytest.raises(TypeError, match="expected ResNet18_Weights but received ResNet34_Weights"):
        models.resnet18(weights=models.ResNet34_Weights.DEFAULT)
    with pytest.raises(ValueError, match="The parameter 'num_classes' expected value 1000 but got 10 instead."):
        models.resnet18(weights="DEFAULT", num_classes=10)
    with pytest.raises(ValueError, match="The parameter 'groups' expected value 32 but got 2 instead."):
        models.resnext50_32x4d(groups=2)
    with pytest.raises(ValueError, match="Invalid weight name provided: 'x'"):
        models.get_weight("x")
    with pytest.raises(ValueError, match="weight enum 'A' for the specific method"):
        models.get_weight("A.B")
    with pytest.raises(ValueError, match="replace_stride_with_dilation should be None or a 3-element tuple"):
        models.resnet50(replace_stride_with_dilation=[True])
    with pytest.raises(ValueError, match="illegal stride value"):
        models.shufflenetv2.InvertedResidual(4, 4, 4)


def test_weights_by_name():
    assert models.get_model_weights("resnet50") is models.ResNet50_Weights
    assert models.get_model_weights(models.segmentation.fcn_resnet50) is models.segmentation.FCN_ResNet50_Weights
    member = models.get_weight("ResNet50_Weights.IMAGENET1K_V2")
    assert member is models.ResNet50_Weights.DEFAULT and repr(member) == "ResNet50_Weights.IMAGENET1K_V2"
    assert member.url.endswith("resnet50-11ad3fa6.pth") and member.meta["num_params"] == 25557032
    assert len(member.meta["categories"]) == 1000 and member.meta["categories"][0] == "tench"
    assert pickle.loads(pickle.dumps(member)) is member
    assert member.transforms().resize_size == [232]
    assert models.get_weight("FCN_ResNet50_Weights.DEFAULT").meta["categories"][1] == "aeroplane"


def test_a_getter_of_inner_layers_runs_what_it_needs():
    model = models.squeezenet1_1()
    getter = models._utils.IntermediateLayerGetter(model.features, {"2": "a", "4": "b"})
    assert list(getter) == ["0", "1", "2", "3", "4"]
    out = getter(torch.rand(1, 3, 32, 32))
    assert [(k, tuple(v.shape[1:])) for k, v in out.items()] == [("a", (64, 7, 7)), ("b", (128, 7, 7))]
    with pytest.raises(ValueError, match="return_layers are not present in model"):
        models._utils.IntermediateLayerGetter(model, {"nothing": "a"})


# ---------------------------------------------------------------- inner nodes
def test_names_of_nodes():
    from torchax_lite.vision.models.feature_extraction import get_graph_node_names

    train, evaluate = get_graph_node_names(models.resnet18())
    assert train == evaluate and len(train) == 70
    expected = ["x", "conv1", "bn1", "relu", "maxpool", "layer1.0.conv1", "layer1.0.bn1", "layer1.0.relu"]
    assert train[:8] == expected
    assert train[8:14] == [
        "layer1.0.conv2", "layer1.0.bn2", "layer1.0.add", "layer1.0.relu_1", "layer1.1.conv1", "layer1.1.bn1",
    ]  # fmt: skip
    assert train[-4:] == ["layer4.1.relu_1", "avgpool", "flatten", "fc"]
    with pytest.warns(UserWarning, match="nodes obtained by tracing the model in eval mode are a subsequence"):
        get_graph_node_names(models.googlenet(init_weights=False))


def test_an_extractor_gives_inner_outputs_in_both_modes():
    from torchax_lite.vision.models.feature_extraction import create_feature_extractor

    model = models.squeezenet1_1().eval()
    extractor = create_feature_extractor(model, {"features.4": "inner", "classifier.1": "last"})
    x = torch.rand(1, 3, 40, 40)
    found = extractor(x)
    assert list(found) == ["inner", "last"] and not extractor.training
    torch.testing.assert_close(found["inner"], model.features[:5](x))
    torch.testing.assert_close(found["last"], model.classifier[:2](model.features(x)))
    assert set(extractor.train()(x)) == {"inner", "last"}
    with pytest.raises(ValueError, match="node: 'nothing' is not present in model"):
        create_feature_extractor(model, ["nothing"])
    with pytest.raises(ValueError, match="both should be specified"):
        create_feature_extractor(model, train_return_nodes=["features"])


# ---------------------------------------------------------------- training
@pytest.mark.slow
def test_a_training_step_of_a_residual_network_is_one_program():
    from torchax_lite import engine

    torch.manual_seed(0)
    model = models.resnet18(num_classes=10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    target = torch.randint(0, 10, (4,))
    for step in range(6):
        before = engine.stats()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(torch.randn(4, 3, 32, 32)), target).backward()
        optimizer.step()
        after = engine.stats()
        assert after.executions - before.executions == 1
        assert step < 3 or after.compiles == before.compiles
