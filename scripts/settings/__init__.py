"""What the authority says: sen2.yml, and the files that it keeps itself."""
