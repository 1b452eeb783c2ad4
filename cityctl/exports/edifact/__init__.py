"""EDIFACT interchanges (ISO 9735): segments, releases and the counts that prove an interchange whole."""
