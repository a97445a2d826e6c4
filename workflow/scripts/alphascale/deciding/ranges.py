"""How far a law is followed."""

# A choice far beyond the ladder rests on the law alone; ladders in the literature stop near 10 ×.
FAR = 10.0
