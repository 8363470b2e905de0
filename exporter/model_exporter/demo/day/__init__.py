"""A bad day of five models: what happens, what fires, and who is told."""
