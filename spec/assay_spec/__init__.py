"""The corpus: what each PyTorch function does, as data."""

from assay_spec.documents import SpecError
from assay_spec.loader import load_corpus
from assay_spec.model import Corpus, Op, Overload

__all__ = ["Corpus", "Op", "Overload", "SpecError", "load_corpus"]
