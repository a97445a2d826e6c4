"""Over N and D: regimes slice by slice, valleys of equal FLOPs, the best split of a budget."""
