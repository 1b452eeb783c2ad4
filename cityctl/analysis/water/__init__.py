"""Questions about water networks: night flow and leaks."""
