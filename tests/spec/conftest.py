"""Spec files to load, each small enough to check by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay_spec import Corpus, SpecError, load_corpus

Load = Callable[..., Corpus]
Complaint = Callable[..., str]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write files by name, then load them all."""

    def write_and_load(**files: str) -> Corpus:
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return load_corpus(tmp_path)

    return write_and_load


@pytest.fixture
def complaint(load: Load, tmp_path: Path) -> Complaint:
    """Return what the loader says against files, without the folder that they lie in."""

    def refused(**files: str) -> str:
        with pytest.raises(SpecError) as caught:
            load(**files)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return refused
