"""Green Button / NAESB ESPI: its codes and the links between its Atom entries. Knows no file and no store."""
