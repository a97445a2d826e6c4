"""A decision from a table of runs that somebody has: no training, no workflow."""
