"""The corpus: what each PyTorch function does, as data."""
