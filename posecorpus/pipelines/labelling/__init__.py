"""Labels drawn from joints: part masks and skeleton maps for a corpus, and the ellipses they need."""
