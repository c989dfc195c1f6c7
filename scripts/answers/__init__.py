"""What officers answered in their workbooks, kept for the next run."""
