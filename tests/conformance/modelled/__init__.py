"""Bugs that tensor libraries really had, each a patch of a few lines on the reference."""
