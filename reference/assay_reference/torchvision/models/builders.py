"""Functions that build models: by their names, and with weights that were trained before."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from types import MappingProxyType, ModuleType
from typing import Any, Final, TypeVar

from assay_reference.nn import Module
from assay_reference.torchvision.models.weights import CLASSES, WeightsEnum

Model = TypeVar("Model", bound=Module)
Builder = Callable[..., Module]
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
SINCE: Final = "deprecated since 0.13 and may be removed in the future"

BUILDERS: Final[dict[str, Builder]] = {}
WEIGHTS: Final[dict[str, type[WeightsEnum]]] = {}


def builder(
    trained: type[WeightsEnum],
    required: Mapping[str, Any] = NOTHING,
    usual: Mapping[str, Any] = NOTHING,
    renamed: Callable[[str], str] = str,
) -> Callable[[Callable[..., Model]], Callable[..., Model]]:
    """Let a function that builds a model take `weights`, and register it.

    With weights the options are those `required` (to contradict them is an error) and those that are `usual`; the
    keys of a checkpoint are `renamed` to those of the model.
    """
    required = {"num_classes": CLASSES, **required}

    def decorate(build: Callable[..., Model]) -> Callable[..., Model]:
        @functools.wraps(build)
        def built(*args: Any, **options: Any) -> Model:
            weights = trained.verify(_weights(trained, args, options))
            progress = options.pop("progress", True)
            if weights is None:
                return build(**options)
            model = build(**{**usual, **_agreeing(options, required)})
            state = weights.get_state_dict(progress=progress, check_hash=True)
            model.load_state_dict({renamed(key): value for key, value in state.items()})
            return model

        built.__signature__ = _signature(trained, build)  # type: ignore[attr-defined]
        BUILDERS[build.__name__], WEIGHTS[build.__name__] = built, trained
        return built

    return decorate


def _signature(trained: type[WeightsEnum], build: Builder) -> inspect.Signature:
    """Return the signature of a function that takes weights."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("weights", keyword, default=None, annotation=f"{trained.__name__} | None"),
        inspect.Parameter("progress", keyword, default=True, annotation="bool"),
        inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD, annotation="Any"),
    ]
    return inspect.Signature(parameters, return_annotation=inspect.signature(build).return_annotation)


def _weights(trained: type[WeightsEnum], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Take out of the arguments which weights are asked for, in the form of today or in a former one."""
    if args:
        names = ["weights", "progress", "kwargs"][: len(args)]
        listed = " and ".join(f"'{name}'" for name in names)
        _warn(f"Using {listed} as positional parameter(s) is {SINCE}. Please use keyword parameter(s) instead.")
        options.update(zip(names, args, strict=True))
    if "weights" not in options and "pretrained" in options:
        _warn(f"The parameter 'pretrained' is {SINCE}, please use 'weights' instead.")
        options["weights"] = options.pop("pretrained")
        if options["weights"] is None:
            options["weights"] = False
    weights = options.pop("weights", None)
    if weights is None or isinstance(weights, (str, WeightsEnum)):
        return weights
    first = next(iter(trained)) if weights else None
    _warn(
        f"Arguments other than a weight enum or `None` for 'weights' are {SINCE}. "
        f"The current behavior is equivalent to passing `weights={first}`."
        + (
            f" You can also use `weights={trained.__name__}.DEFAULT` to get the most up-to-date weights."
            if first
            else ""
        )
    )
    return first


def _warn(message: str) -> None:
    """Warn whoever calls the function that builds a model."""
    warnings.warn(message, stacklevel=4)


def _agreeing(options: Mapping[str, Any], required: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with those that are required, or raise which of them is contradicted."""
    for name, value in required.items():
        if options.get(name, value) != value:
            raise ValueError(f"The parameter '{name}' expected value {value} but got {options[name]} instead.")
    return {**options, **required}


def list_models(
    module: ModuleType | None = None,
    include: Iterable[str] | str | None = None,
    exclude: Iterable[str] | str | None = None,
) -> list[str]:
    """Return the names of the models (of a module), in order, with those left out that patterns say."""
    names = [name for name, build in BUILDERS.items() if module is None or _package(build) == module.__name__]
    if include:
        names = [name for name in names if _matches(name, include)]
    if exclude:
        names = [name for name in names if not _matches(name, exclude)]
    return sorted(names)


def _package(build: Builder) -> str:
    return build.__module__.rpartition(".")[0]


def _matches(name: str, patterns: Iterable[str] | str) -> bool:
    return any(fnmatch(name, pattern) for pattern in ([patterns] if isinstance(patterns, str) else patterns))


def get_model_builder(name: str) -> Builder:
    """Return the function that builds the model of a name."""
    try:
        return BUILDERS[name.lower()]
    except KeyError:
        raise ValueError(f"Unknown model {name}") from None


def get_model(name: str, **config: Any) -> Module:
    """Build the model of a name."""
    return get_model_builder(name)(**config)


def get_model_weights(name: Builder | str) -> type[WeightsEnum]:
    """Return the weights that there are for a model."""
    return WEIGHTS[(get_model_builder(name) if isinstance(name, str) else name).__name__]


def get_weight(name: str) -> WeightsEnum:
    """Return the weights of a name, such as `ResNet50_Weights.DEFAULT`."""
    enum, dot, member = name.partition(".")
    if not (dot and member):
        raise ValueError(f"Invalid weight name provided: '{name}'.")
    for trained in WEIGHTS.values():
        if trained.__name__ == enum:
            return trained[member]
    raise ValueError(f"The weight enum '{enum}' for the specific method couldn't be retrieved.")
