"""What tests of several rooms need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assay_reference.core.arrays import cuda_namespace


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the reference's CUDA path run on its stand-in."""
    monkeypatch.setenv("ASSAY_REFERENCE_CUDA", "stand-in")
    cuda_namespace.cache_clear()
    yield
    cuda_namespace.cache_clear()
