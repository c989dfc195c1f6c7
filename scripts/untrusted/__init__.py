"""Readers of what came from outside, where a file may be broken on purpose."""
