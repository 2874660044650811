"""Synthesis: motions, bodies and places in, a corpus of rendered people out."""
