"""Snapshots to Prometheus text and to pages a person can read."""
