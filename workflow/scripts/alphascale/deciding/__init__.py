"""N*, the architecture to build, its price and what is saved."""
