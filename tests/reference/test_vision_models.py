"""Networks that classify images: keys, draws, printed trees, answers and slopes are torchvision's."""

from __future__ import annotations

import inspect
import io
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import assay_reference as reference
from assay_reference.torchvision import models

OURS = SimpleNamespace(torch=reference, models=models)
SMALL: dict[str, dict[str, Any]] = {
    "squeezenet1_0": {},
    "squeezenet1_1": {"dropout": 0.2},
    "resnet18": {"zero_init_residual": True},
    "densenet121": {"drop_rate": 0.1, "memory_efficient": True},
}
LARGE = ["densenet161", "densenet169", "densenet201", "inception_v3"]  # the corpus asks the same of others
BLOCKS: dict[str, Any] = {
    "norm": {"norm_layer": lambda torch: lambda width: torch.nn.BatchNorm2d(width, eps=0.01)},
    "groups": {"groups": 4, "width_per_group": 16},
    "dilation": {"replace_stride_with_dilation": [False, True, True], "zero_init_residual": True},
}


@pytest.fixture
def theirs(torchvision: Any) -> Any:
    return SimpleNamespace(torch=pytest.importorskip("torch"), models=torchvision.models)


@pytest.fixture(params=["reference", "torchvision"])
def library(request: pytest.FixtureRequest) -> Any:
    return OURS if request.param == "reference" else request.getfixturevalue("theirs")


@pytest.fixture(autouse=True)
def few_warnings() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The default weight initialization of inception_v3")
        yield


def image(size: int, count: int = 2) -> Any:
    return np.random.default_rng(0).standard_normal((count, 3, size, size))


def arrays(state: dict[str, Any]) -> dict[str, Any]:
    return {key: value.detach().numpy() for key, value in state.items()}


def assert_same_state(ours: Any, theirs: Any) -> None:
    """Assert that two models have the same keys, in one order, and the same numbers under them."""
    found, due = arrays(ours.state_dict()), arrays(theirs.state_dict())

    assert list(found) == list(due)
    for key in due:
        assert found[key].dtype == due[key].dtype
        np.testing.assert_array_equal(found[key], due[key], err_msg=key)


def trained(library: Any, model: Any, size: int) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Return what a model of float64 answers in training and then in use, the slopes, and its state after that."""
    torch = library.torch
    model.double()
    torch.manual_seed(5)
    x = torch.tensor(image(size), requires_grad=True)
    answers = model(x)
    answers = list(answers) if isinstance(answers, tuple) else [answers]
    sum((each * each).sum() for each in answers).backward()
    slopes = {name: each.grad for name, each in model.named_parameters()} | {"": x.grad}
    with torch.no_grad():
        answers.append(model.eval()(x))
    return [each.detach().numpy() for each in answers], arrays(slopes), arrays(model.state_dict())


def assert_trained_alike(build: Callable[[Any], Any], theirs: Any, size: int) -> None:
    """Assert that two models draw, print, answer and learn alike."""
    made = []
    for library in (OURS, theirs):
        library.torch.manual_seed(3)
        made.append(build(library))
    assert repr(made[0]) == repr(made[1])
    assert reference.rand(1).item() == theirs.torch.rand(1).item()
    assert_same_state(*made)

    found, due = (trained(library, model, size) for library, model in zip((OURS, theirs), made, strict=True))
    for ours, other in zip(found[0], due[0], strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-7, atol=1e-9 * np.abs(other).max())
    for part, others in zip(found[1:], due[1:], strict=True):
        assert list(part) == list(others)
        largest = max(np.abs(each).max() for each in others.values())  # some slopes are nothing but rounding
        for key, other in others.items():
            near = 1e-7 * np.abs(other).max() + 1e-13 * largest
            np.testing.assert_allclose(part[key], other, rtol=1e-6, atol=near, err_msg=key)


@pytest.mark.parametrize("name", SMALL)
def test_small_models_draw_print_answer_and_learn_as_torchvisions(name: str, theirs: Any) -> None:
    def build(library: Any) -> Any:
        return getattr(library.models, name)(num_classes=5, **SMALL[name])

    assert_trained_alike(build, theirs, 64)


@pytest.mark.parametrize("name", BLOCKS)
def test_options_of_residual_networks_are_torchvisions(name: str, theirs: Any) -> None:
    def build(library: Any) -> Any:
        options = {key: each(library.torch) if callable(each) else each for key, each in BLOCKS[name].items()}
        return library.models.ResNet(library.models.resnet.Bottleneck, [1, 1, 1, 1], num_classes=4, **options)

    assert_trained_alike(build, theirs, 48)


@pytest.mark.parametrize("name", LARGE)
def test_large_models_have_torchvisions_keys_shapes_and_printed_tree(name: str, theirs: Any) -> None:
    options = {"init_weights": False} if name == "inception_v3" else {}
    found, due = (getattr(library.models, name)(**options) for library in (OURS, theirs))

    assert repr(found) == repr(due)
    shapes = [{key: tuple(value.shape) for key, value in model.state_dict().items()} for model in (found, due)]
    assert list(shapes[0].items()) == list(shapes[1].items())
    weights = models.get_model_weights(name).DEFAULT
    assert weights.meta["num_params"] == sum(each.numel() for each in found.parameters())


@pytest.mark.parametrize("name", ["vgg11", "vgg13_bn"])
def test_vgg_draws_prints_answers_and_learns_as_torchvisions(
    name: str, monkeypatch: pytest.MonkeyPatch, theirs: Any
) -> None:
    for library in (OURS, theirs):
        narrow(library.torch.nn, monkeypatch)

    assert_trained_alike(lambda library: getattr(library.models, name)(num_classes=5, dropout=0.3), theirs, 32)


@pytest.mark.parametrize("name", ["vgg11_bn", "vgg13", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"])
def test_other_vggs_have_torchvisions_keys_and_shapes(name: str, monkeypatch: pytest.MonkeyPatch, theirs: Any) -> None:
    made = []
    for library in (OURS, theirs):
        narrow(library.torch.nn, monkeypatch)
        library.torch.manual_seed(0)
        made.append(getattr(library.models, name)(init_weights=False))

    assert repr(made[0]) == repr(made[1])
    assert_same_state(*made)


def narrow(nn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let linear layers, which have most of the weights of VGG, be small for a test."""
    sizes = {512 * 7 * 7: 512, 4096: 64}
    linear, pool = nn.Linear, nn.AdaptiveAvgPool2d

    class Linear(linear):  # type: ignore[misc, valid-type]
        def __init__(self, in_features: int, out_features: int) -> None:
            super().__init__(sizes.get(in_features, in_features), sizes.get(out_features, out_features))

    monkeypatch.setattr(nn, "Linear", Linear)
    monkeypatch.setattr(nn, "AdaptiveAvgPool2d", lambda size: pool((1, 1)))


def test_inception_draws_and_answers_as_torchvisions(theirs: Any) -> None:
    answers = []
    for library in (OURS, theirs):
        library.torch.manual_seed(0)
        model = library.models.inception_v3(num_classes=4, init_weights=True, transform_input=True).double().eval()
        with library.torch.no_grad():
            answers.append(model(library.torch.tensor(image(75, 1))).numpy())

    np.testing.assert_allclose(*answers, rtol=1e-9)


def test_inception_answers_twice_in_training(library: Any) -> None:
    model = library.models.Inception3(num_classes=2, init_weights=False)
    for name in [name for name, _ in model.named_children() if name.startswith(("Conv2d", "Mixed", "max"))]:
        setattr(model, name, library.torch.nn.Identity())
    model.Mixed_7c = library.torch.nn.Conv2d(768, 2048, 1)
    x = library.torch.zeros(2, 768, 17, 17)
    twice = model(x)
    model.aux_logits = False

    assert (type(twice).__name__, twice._fields) == ("InceptionOutputs", ("logits", "aux_logits"))
    assert [tuple(each.shape) for each in twice] == [(2, 2), (2, 2)]
    assert tuple(model(x).shape) == tuple(model.eval()(x).shape) == (2, 2)
    assert library.models.Inception3(aux_logits=False, init_weights=False).AuxLogits is None


@pytest.mark.parametrize("writer", ["ours", "theirs"])
def test_a_checkpoint_of_one_is_loaded_by_the_other(writer: str, theirs: Any) -> None:
    first, second = (OURS, theirs) if writer == "ours" else (theirs, OURS)
    file = io.BytesIO()
    saved = first.models.squeezenet1_1(num_classes=2)
    first.torch.save(saved.state_dict(), file)
    file.seek(0)

    loaded = second.models.squeezenet1_1(num_classes=2)
    loaded.load_state_dict(second.torch.load(file))

    assert_same_state(loaded, saved)


def warned(call: Callable[[], Any]) -> tuple[str, list[tuple[str, str]]]:
    """Return what a call answers or raises, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = type(call()).__name__
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
    return answer, [(each.category.__name__, str(each.message)) for each in caught]


@pytest.mark.parametrize(
    "call",
    [
        "squeezenet1_1(pretrained=False)",
        "squeezenet1_1(pretrained=None)",
        "squeezenet1_1(False)",
        "squeezenet1_1(None, False)",
        "squeezenet1_1(weights=False)",
        "squeezenet1_1(pretrained=True, num_classes=10)",
        "squeezenet1_1(weights=models.SqueezeNet1_1_Weights.DEFAULT, num_classes=10)",
        "squeezenet1_1(weights=models.ResNet18_Weights.DEFAULT)",
        "squeezenet1_1(weights='nope')",
        "squeezenet1_1(pretrained=False, weights=None)",
        "squeezenet1_1(pretrain=False)",
        "SqueezeNet('2_0')",
        "resnet18(groups=2)",
        "resnet18(width_per_group=32)",
        "resnet18(replace_stride_with_dilation=[False, False, True])",
        "resnet50(replace_stride_with_dilation=[True])",
        "inception_v3(weights='DEFAULT', aux_logits=False)",
        "inception_v3(weights='DEFAULT', init_weights=True)",
        "Inception3(inception_blocks=[], init_weights=False)",
        "Inception3(inception_blocks=[1], init_weights=False)",
        "get_model('SqueezeNet1_1', num_classes=2)",
        "get_model('lenet')",
        "get_weight('ResNet50_Weights')",
        "get_weight('LeNet_Weights.DEFAULT')",
        "get_weight('ResNet50_Weights.IMAGENET1K_V3')",
        "ResNet50_Weights.verify(3)",
    ],
)
def test_calls_warn_and_are_refused_as_torchvisions(call: str, theirs: Any) -> None:
    found, due = (
        warned(lambda library=library: eval(f"models.{call}", {"models": library.models})) for library in (OURS, theirs)
    )

    assert found == due


def test_weights_are_named_as_torchvisions(theirs: Any) -> None:
    for name in models.list_models():
        ours, others = (library.models.get_model_weights(name) for library in (OURS, theirs))
        assert [(repr(each), each.url, each.meta["num_params"], each.meta["min_size"]) for each in ours] == [
            (repr(each), each.url, each.meta["num_params"], each.meta["min_size"]) for each in others
        ]
        assert str(ours.DEFAULT) == str(others.DEFAULT)
        assert models.get_weight(f"{ours.__name__}.DEFAULT") is ours.DEFAULT
        assert ours.verify("DEFAULT") is ours.verify(ours.DEFAULT) is ours.DEFAULT


def test_models_are_listed_by_patterns() -> None:
    assert (
        models.list_models(models)
        == models.list_models()
        == sorted([name for name in vars(models) if re.fullmatch(r"[a-z].*\d.*|alexnet", name)])
    )
    assert models.list_models(include=["resnet*", "vgg1*"], exclude="*_bn") == [
        "resnet101", "resnet152", "resnet18", "resnet34", "resnet50", "vgg11", "vgg13", "vgg16", "vgg19",
    ]  # fmt: skip
    assert models.list_models(models.resnet) == []
    assert models.get_model_builder("AlexNet") is models.alexnet


def test_signatures_say_what_may_be_passed() -> None:
    assert str(inspect.signature(models.alexnet)) == (
        "(*, weights: 'AlexNet_Weights | None' = None, progress: 'bool' = True, **kwargs: 'Any') -> 'AlexNet'"
    )


def keep(library: Any, model: Any, weights: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the weights of a model where downloads are kept."""
    monkeypatch.setenv("TORCH_HOME", str(folder))
    (folder / "hub" / "checkpoints").mkdir(parents=True)
    library.torch.save(model, str(folder / "hub" / "checkpoints" / weights.url.rpartition("/")[2]))


@pytest.mark.parametrize("asked", [{"weights": "DEFAULT"}, {"pretrained": True}])
def test_weights_that_are_there_are_loaded(
    asked: dict[str, Any], library: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = library.models.squeezenet1_1()
    keep(library, saved.state_dict(), library.models.SqueezeNet1_1_Weights.DEFAULT, tmp_path, monkeypatch)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = library.models.squeezenet1_1(**asked)

    assert loaded.training
    assert_same_state(loaded, saved)


def test_older_checkpoints_of_densenet_have_other_keys(
    library: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = library.models.densenet121()
    former = {
        re.sub(r"(denselayer\d+\.)(norm|conv)(\d)", r"\1\2.\3", key): value
        for key, value in saved.state_dict().items()
        if "num_batches" not in key
    }
    keep(library, former, library.models.DenseNet121_Weights.DEFAULT, tmp_path, monkeypatch)

    assert_same_state(library.models.densenet121(weights="DEFAULT"), saved)


@pytest.mark.parametrize(("asked", "transforms"), [({}, True), ({"transform_input": False}, False)])
def test_inception_with_weights_takes_images_as_other_models_do(
    asked: dict[str, Any], transforms: bool, library: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = library.models.inception_v3(init_weights=False)
    keep(library, saved.state_dict(), library.models.Inception_V3_Weights.DEFAULT, tmp_path, monkeypatch)

    loaded = library.models.inception_v3(weights="DEFAULT", **asked)

    assert (loaded.transform_input, loaded.aux_logits) == (transforms, True)
    assert_same_state(loaded, saved)
