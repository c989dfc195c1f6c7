"""Two returns of one warehouse compared."""
