"""Mutation testing of the reference's own source: one small change to its code at a time, hunted by the suite."""
