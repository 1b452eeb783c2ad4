"""What pumps of a station need, which to run, and when."""
