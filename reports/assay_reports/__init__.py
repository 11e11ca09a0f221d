"""The results of runs and of mutation runs, and the reports made of them."""
