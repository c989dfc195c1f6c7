"""Used by every other folder: errors, files, names of places, the terminal."""
