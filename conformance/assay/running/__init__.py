"""One run: its items, its settings, its processes, the file that its results go to."""
