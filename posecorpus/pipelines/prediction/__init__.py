"""Prediction: a trained network's people of photos and of other pictures become a corpus."""
