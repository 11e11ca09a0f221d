"""Assay: how much of PyTorch is in a tensor library, and where it differs."""
