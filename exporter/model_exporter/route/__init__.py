"""Which model a row belongs to, and how many models there may be."""
