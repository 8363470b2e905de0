"""Bytes to columns: the only room that knows wire formats."""
