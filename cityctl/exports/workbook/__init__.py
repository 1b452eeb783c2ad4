"""Workbooks (XLSX, XLSM; ECMA-376 part 1): each sheet as delimited text, as a spreadsheet saves it."""
