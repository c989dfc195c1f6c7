"""Known defects planted in a sample, each with the rules that must report it."""

from .planting import plant_faults, write_planted

__all__ = ["plant_faults", "write_planted"]
