"""Spec files to load, each small enough to check by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from assay_spec import Corpus, SpecError, load_corpus

Load = Callable[..., Corpus]
Complaint = Callable[..., str]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write ops and families by name, then load them all."""

    def write_and_load(**files: str) -> Corpus:
        for name, text in files.items():
            folder = tmp_path / ("families" if name.startswith("of_") else "torch")
            folder.mkdir(exist_ok=True)
            (folder / f"{name.removeprefix('of_')}.yaml").write_text(text, encoding="utf-8")
        corpus = load_corpus(tmp_path)
        list(corpus.families.values())
        list(corpus)
        return corpus

    return write_and_load


@pytest.fixture
def complaint(load: Load, tmp_path: Path) -> Complaint:
    """Return what the loader says against files, without the folder that they lie in."""

    def refused(**files: str) -> str:
        with pytest.raises(SpecError) as caught:
            load(**files)
        return re.sub(rf"{tmp_path}/\w+/", "", str(caught.value))

    return refused
