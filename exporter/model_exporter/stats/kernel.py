"""What is done for every cell of a batch: by compiled code where it is installed, in numpy elsewhere.

What the functions do is said in `plain_kernel`.
"""

try:
    from model_exporter.stats._kernel import count_codes, count_kinds, count_numbers, count_pairs, first_seen
except ImportError:  # there was no compiler when this was installed
    from model_exporter.stats.plain_kernel import count_codes, count_kinds, count_numbers, count_pairs, first_seen

__all__ = ["count_codes", "count_kinds", "count_numbers", "count_pairs", "first_seen"]
