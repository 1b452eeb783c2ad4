"""Times of a table: how they are written, which zone they are of, and UTC."""
