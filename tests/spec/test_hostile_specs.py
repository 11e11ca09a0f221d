"""Whatever a spec file says, it is read or refused with a SpecError, quickly and in little memory."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_spec import SpecError, load_corpus
from assay_spec.builder import WORDS
from assay_spec.expression import Expression, ExpressionError

ROOT = load_corpus().root
FILES = [ROOT / "torch" / f"{name}.yaml" for name in ("clamp", "sum", "where", "cross")]
HOSTILE = (
    "10**10**10", "[0] * 10**9", "'x' * 10**12", "(((((", "lambda: 1", "__import__('os')", "!!python/object:os.system",
    "&a [*a]", "1e999999", "0x" + "f" * 9999, "-" * 5000 + "1", "[" * 3000, "tensor(tensor(tensor(floating)))", "\x00",
    "\u2028", "~", "{}", "[]", "true", "many(many(many(number())))", "*N", "N" * 5000, "? : -",
)  # fmt: skip


@contextmanager
def quickly(seconds: int = 20) -> Iterator[None]:
    """Raise TimeoutError where a block takes longer."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("corpus")
    for name in ("families", "documented"):
        (root / name).symlink_to(ROOT / name)
    (root / "broadcasting.yaml").symlink_to(ROOT / "broadcasting.yaml")
    (root / "torch").mkdir()
    yield root
    load_corpus.cache_clear()


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_spec_is_read_or_refused(corpus: Path, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(FILES))
    text = source.read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 40, len(text))))
    damaged = text[:start] + data.draw(st.sampled_from(HOSTILE) | st.text(max_size=20)) + text[end:]
    _is_read_or_refused(corpus / "torch" / source.name, damaged)


@pytest.mark.parametrize("key", ["summary", "signature", "arguments", "result", "laws", "examples", "rules", "family"])
@pytest.mark.parametrize("value", [*HOSTILE, "9" * 5000, "&x {a: *x}", "0x1p99999"], ids=range(len(HOSTILE) + 3))
def test_a_hostile_value_is_read_or_refused(corpus: Path, key: str, value: str) -> None:
    text = f"name: torch.sum\narea: reduction\nsummary: A sum.\n{key}: {value}\n"
    _is_read_or_refused(corpus / "torch" / "sum.yaml", text)


def _is_read_or_refused(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    load_corpus.cache_clear()
    with quickly():
        try:
            _ = load_corpus(file.parent.parent)[f"torch.{file.stem}"].dtypes
        except SpecError as error:
            assert file.name in str(error)
        except ExpressionError as error:  # of a domain that is looked at later than the file is read
            assert str(error)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("10 ** 10 ** 10", "10 ** 10000000000 is too large"),
        ("2 ** 5000", "2 ** 5000 is too large"),
        ("[0] * 10 ** 9", "1 elements, 1000000000 times, are too many"),
    ],
)
def test_what_would_fill_the_memory_is_refused(source: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression(source, WORDS)({})

    assert str(caught.value) == message


@pytest.mark.parametrize("source", ["(" * 2000, "-" * 100_000 + "1", "[" * 100_000, "1\x00"])
def test_what_cannot_be_parsed_is_refused(source: str) -> None:
    with pytest.raises(ExpressionError, match="is not an expression: "):
        Expression(source, WORDS)
