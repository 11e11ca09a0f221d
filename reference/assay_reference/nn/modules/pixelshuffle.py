"""Channels made pixels, and pixels channels."""

from __future__ import annotations

from assay_reference.nn import functional as F
from assay_reference.nn.modules.functional import Functional


class PixelShuffle(Functional, function=F.pixel_shuffle):
    """Groups of channels laid out as the pixels of larger images."""


class PixelUnshuffle(Functional, function=F.pixel_unshuffle):
    """The pixels of each square laid out as channels of smaller images."""
