"""Returns made elsewhere, read into the schema imported."""
