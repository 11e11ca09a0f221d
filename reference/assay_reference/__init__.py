"""PyTorch's namespace, readable, over NumPy and CuPy."""
