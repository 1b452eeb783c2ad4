"""What a water balance is made of: inputs with intervals, cells, indicators."""
