"""What leaves: the submission, the form, tables as CSV and Parquet, the copy."""
