"""What a grid of runs over N and D shows slice by slice: regimes, and valleys of equal FLOPs."""
