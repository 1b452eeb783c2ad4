"""Tables of readings, long and wide: heads, columns, stamps, numbers and clock changes. Knows no file format."""
