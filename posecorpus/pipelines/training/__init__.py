"""Training of models: what the commands under `posecorpus train` do."""
