"""Records of cells, their artifacts and weights, and results folders."""
