"""Snapshots to Prometheus text and to pages a person can read."""

from model_exporter.expose.http import WebServer
from model_exporter.expose.status import ServiceStatus

__all__ = ["ServiceStatus", "WebServer"]
