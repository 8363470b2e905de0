"""Baselines: built from rows, kept in files, shown to people."""
