"""The next runs: which narrow the answer most for a budget."""
