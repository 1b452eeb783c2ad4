"""What all questions about water share: their zones, rows of nights, digits, the price of water."""
