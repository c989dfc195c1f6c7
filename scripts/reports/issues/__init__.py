"""The issues of a return as lines of work, and the sheets that they are written on."""
