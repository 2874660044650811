"""Lifting: a library of poses from motions, 3D for a corpus of 2D annotations, what is kept of it."""
