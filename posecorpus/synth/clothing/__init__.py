"""Real clothes: garments, shoes and hair as surfaces of their own, cut as a person's look says."""

from posecorpus.synth.clothing.dressed import Dressed, dress

__all__ = ["Dressed", "dress"]
