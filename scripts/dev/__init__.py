"""Tools for those who work on this project; the wheel does not contain them."""
