"""Rolling state: batches in, frozen snapshots out. Time is an argument, never read."""
