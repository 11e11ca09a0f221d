"""torchvision, as far as the reference has it."""
