"""Requests and responses that arrive apart, brought together before they are decoded.

Payload loggers send what went into a model and what came out of it as two events. `Exchanges` holds the bytes of one
until the other comes.
"""

from model_exporter.pairing.exchanges import Exchanges, Taken
from model_exporter.pairing.halves import Exchange, Half, Side

__all__ = ["Exchange", "Exchanges", "Half", "Side", "Taken"]
