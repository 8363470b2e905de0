"""Which model a row belongs to, and how many models there may be."""

from model_exporter.route.router import MAX_SERVICES, Router
from model_exporter.route.waiting import EarlySpans

__all__ = ["MAX_SERVICES", "EarlySpans", "Router"]
