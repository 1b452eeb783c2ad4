"""How transformers age, voltage keeps to its limits, and supply is interrupted. Arrays in, figures out."""
