"""A real model, real data and a real client, to watch the exporter at work."""
