"""Mutation testing: the suite measured by how many mutants of a good backend it kills."""

from assay.mutants.hunt import Hunt

__all__ = ["Hunt"]
