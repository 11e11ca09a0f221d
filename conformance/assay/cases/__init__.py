"""Cases and outcomes as plain data: planned from a spec's domains, filled, written, shrunk, spelled."""
