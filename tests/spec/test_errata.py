"""What the documents say wrongly: the evidence of every erratum, run on PyTorch."""

from __future__ import annotations

import ast
import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay_spec import errata
from assay_spec.loader import load_corpus
from assay_spec.model import Erratum

CORPUS = load_corpus()
ERRATA = [pytest.param(each, id=f"{op}, {each.at}") for op in CORPUS.ops for each in CORPUS.errata(op)]


@pytest.fixture
def scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Lend the names that evidence uses, in a folder of its own, and undo what it sets."""
    torch = pytest.importorskip("torch")
    np = pytest.importorskip("numpy")
    monkeypatch.chdir(tmp_path)
    yield {"torch": torch, "nn": torch.nn, "np": np, "__name__": "evidence"}
    torch.set_printoptions(profile="default")
    torch.set_default_dtype(torch.float32)


def shown(code: str, scope: dict[str, Any]) -> str:
    """Return what a session shows, which shows the value of each expression, or the class of what it raises."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for statement in ast.parse(code).body:
                exec(compile(ast.Interactive([statement]), "<evidence>", "single"), scope)
        except Exception as error:
            return type(error).__name__
    return printed.getvalue().rstrip("\n")


@pytest.mark.parametrize("erratum", ERRATA)
def test_pytorch_does_what_the_evidence_says(erratum: Erratum, scope: dict[str, Any]) -> None:
    code, arrow, result = erratum.evidence.rstrip("\n").rpartition(" -> ")

    assert arrow, "evidence is CODE -> RESULT"
    assert shown(code, scope) == result


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("1 + 1", "2"),
        ("x = 1; print(x)", "1"),
        ("print(1)\nprint(2)", "1\n2"),
        ("with a: pass\nb", "NameError"),
        ("x = 1", ""),
        ("lambda = 1", "SyntaxError"),
    ],
)
def test_what_code_shows(code: str, result: str) -> None:
    assert shown(code, {}) == result


def test_the_page_for_readers_of_the_documents_says_what_the_corpus_says() -> None:
    assert errata.PAGE.read_text(encoding="utf-8") == errata.page(CORPUS), "run python -m assay_spec.errata"
