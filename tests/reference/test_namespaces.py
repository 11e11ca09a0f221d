"""The folder: what a stranger finds in it, under which names."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil

import pytest

import assay_reference as torch

OURS = {"__main__", "core", "documented", "ops", "served"}
BESIDE = {"torchvision"}  # a package of its own, beside torch


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_the_ground_floor_holds_pytorchs_public_namespaces() -> None:
    names = {each.name for each in pkgutil.iter_modules(torch.__path__)} - OURS - BESIDE

    for name in names:
        importlib.import_module(f"torch.{name}")
        assert hasattr(torch, name)


@pytest.mark.parametrize("name", ["add", "add_", "__add__", "__radd__", "__iadd__"])
def test_a_method_knows_the_module_of_its_op(name: str) -> None:
    assert getattr(torch.Tensor, name).__module__ == "assay_reference.ops.pointwise"


@pytest.mark.parametrize(
    ("function", "family"),
    [("sum", "reduction"), ("max", "extremes"), ("median", "order"), ("cumsum", "cumulative"), ("rand", "random")],
)
def test_a_function_knows_the_module_of_its_family(function: str, family: str) -> None:
    assert getattr(torch, function).__module__ == f"assay_reference.ops.{family}"


def test_a_method_of_tensor_is_named_so() -> None:
    assert torch.Tensor.backward.__qualname__ == "Tensor.backward"
    assert torch.Tensor.detach.__qualname__ == "Tensor.detach"
