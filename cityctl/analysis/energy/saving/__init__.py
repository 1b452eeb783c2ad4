"""An account of savings: meters, days and bills in, expected use, and what is said of the change."""
