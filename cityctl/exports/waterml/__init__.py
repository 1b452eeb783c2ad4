"""WaterML 1.1 (CUAHSI) and 2.0 (OGC 10-126r4): series, their units and qualifiers, point by point."""
