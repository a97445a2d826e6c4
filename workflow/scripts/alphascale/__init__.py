"""alphascale: how large must the model be, on how much data, at what cost, and how sure are we."""

__version__ = "0.1.0"
