"""MutationRun: how many mutants the suite kills, in backends that are made mutated on purpose."""

from assay.mutants.hunt import Hunt

__all__ = ["Hunt"]
