"""The command `sen2`: arguments and words. The work is done in the other packages."""
