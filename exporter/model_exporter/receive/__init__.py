"""Sockets, limits, decompression, statuses. Moves bytes, parses nothing."""

from model_exporter.receive.grpc import GrpcDoor
from model_exporter.receive.http import HttpDoor
from model_exporter.receive.outcomes import OUTCOMES

__all__ = ["OUTCOMES", "GrpcDoor", "HttpDoor"]
