"""What a PV plant makes, beside what its sun lets expect."""
