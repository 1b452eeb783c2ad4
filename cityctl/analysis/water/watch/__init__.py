"""The watch over leaks: what night flow lets expect, what rises beyond it, and where."""
