"""Cases and outcomes as plain data: drawn from domains, filled, read from spec files, shrunk, written as code."""
