"""torchvision.utils: images side by side, and in files."""
