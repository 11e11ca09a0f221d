"""What carries the ops: element types, devices, memory, tensors, the autograd graph, and the decorators for ops."""
