"""What questions about energy share: which meters and tariffs they are about, and use in windows."""
