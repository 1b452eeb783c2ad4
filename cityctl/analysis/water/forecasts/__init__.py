"""What a zone will draw, and how far off that may be. Numbers only."""
