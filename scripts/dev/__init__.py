"""For those who work on this project: none of it travels in the wheel."""
