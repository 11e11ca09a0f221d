"""Sharpness: how many faults the suite notices, in backends that are made faulty on purpose."""

from assay.sharpness.hunt import Hunt

__all__ = ["Hunt"]
