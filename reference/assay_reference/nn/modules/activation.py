"""Activations."""

from __future__ import annotations

from assay_reference.nn import functional as F
from assay_reference.nn.modules.functional import Functional


class ReLU(Functional, function=F.relu):
    """Negative elements set to zero."""


class Sigmoid(Functional, function=F.sigmoid):
    """The logistic function of each element."""


class Tanh(Functional, function=F.tanh):
    """The hyperbolic tangent of each element."""


class AlongOne(Functional):
    """What activations along one dimension share."""

    options = ("dim",)


class Softmax(AlongOne, function=F.softmax):
    """Exponentials scaled to sum to one along a dimension."""


class LogSoftmax(AlongOne, function=F.log_softmax):
    """The logarithm of the softmax along a dimension."""
