"""How files, workbooks and databases become the tables of the schema raw; `sen2 land` uses it."""
