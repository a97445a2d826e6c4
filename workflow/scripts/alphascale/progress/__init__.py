"""How far a run has come, what it will cost and why it runs: Snakemake's events for people."""
