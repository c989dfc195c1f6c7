"""An extract, in any layout, becomes the tables of the schema raw."""
