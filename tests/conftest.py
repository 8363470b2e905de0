"""What holds for every test."""

from hypothesis import settings

# The same examples in every run, and no judgement of a busy machine: timing is for the benchmarks.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
