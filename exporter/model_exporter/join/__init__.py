"""Outcomes on their way to their predictions."""
