"""Renders what stands around the exporter from files that its users write: Alertmanager's routing, by owner."""
