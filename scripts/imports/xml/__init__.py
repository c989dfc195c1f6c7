"""A SEN2 file of any maker, read as a stream."""
