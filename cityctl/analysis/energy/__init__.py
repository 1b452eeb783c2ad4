"""Questions about the use of energy: what a measure has saved."""
