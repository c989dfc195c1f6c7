"""The benchmark: the main job at growing sizes, beside a floor of plain lxml and DuckDB."""
