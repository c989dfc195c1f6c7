"""Samples made to an authority's published figures.

published and release_* read DfE's rows into targets; slots and flow say how many of each kind make
them true; cases and its stories make exactly those; likeness puts them together.
"""

from .likeness import Likeness, write_likeness

__all__ = ["Likeness", "write_likeness"]
