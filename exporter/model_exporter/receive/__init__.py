"""Sockets, limits, decompression, statuses. Moves bytes, parses nothing."""
