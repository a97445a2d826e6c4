"""Model families: a size is a plain mapping, every layer carries a leading member axis.

`sizes` (no torch) holds the keys of each family, `families` builds, `count` counts parameters and
FLOPs, `search` finds the smallest architecture with so many parameters.
"""
