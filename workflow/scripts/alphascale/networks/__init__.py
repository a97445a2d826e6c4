"""The networks themselves, in torch: every layer carries a leading member axis.

`build` makes the architecture of a family (families/ says what it is), `count` counts parameters
and FLOPs, `search` finds the smallest architecture with so many parameters.
"""
