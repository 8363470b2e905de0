"""Strict wire schema to frozen settings."""
