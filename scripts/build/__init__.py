"""dbt, which builds every layer of the warehouse."""
