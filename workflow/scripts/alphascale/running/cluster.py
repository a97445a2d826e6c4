"""What a training job asks a cluster for: memory and minutes, by the model's size and the attempt.

Rough on purpose, and known before any data are: too little costs one more submission, which asks
for more and goes on from the checkpoint. A profile's `set-resources` says them anew. No torch here.
"""

from __future__ import annotations

# Host memory of a job with no model to speak of, MB. On a CPU the jobs of the default study held
# 660 to 1,130 MB (`peak_memory_bytes` of their records); a CUDA context takes up to 3 GB more.
BASE_MB = 4_000
# Bytes per parameter and member: value, gradient, two moments, best weights (20), a checkpoint's
# copy of them (20), activations.
BYTES = 100
BASE_MINUTES = 60
# Parameters × members that another hour is asked for.
PARAMS_PER_HOUR = 10_000_000
# No more than most partitions allow: a training that needs longer goes on in its next attempt.
MOST_MINUTES = 24 * 60


def memory_mb(params: int, members: int, attempt: int) -> int:
    """MB of host memory for `members` models of `params` weights, at the attempt-th submission."""
    return attempt * (BASE_MB + params * members * BYTES // 1_000_000)


def minutes(params: int, members: int, attempt: int) -> int:
    """Minutes of wall time, at the attempt-th submission."""
    wanted = attempt * BASE_MINUTES * (1 + params * members / PARAMS_PER_HOUR)
    return min(MOST_MINUTES, int(wanted))
