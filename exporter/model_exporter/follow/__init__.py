"""Log files as a door: followed across rotation, truncation and restart, each line once."""

from model_exporter.follow.follower import Follower
from model_exporter.follow.positions import PositionsFile
from model_exporter.follow.progress import Progress
from model_exporter.follow.thread import FollowThread

__all__ = ["FollowThread", "Follower", "PositionsFile", "Progress"]
