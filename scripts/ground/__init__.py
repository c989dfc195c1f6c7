"""What everything stands on: errors, files, names of places, words on the terminal."""
