"""Backends: the libraries that answer cases, one file each."""
