"""The judge: how far an answer may be from the right one, and what must hold where PyTorch leaves the answer open."""
