"""`sen2 map`: a mapping proposed for files that nobody has described."""
