"""Networks that see: pictures to maps of features, and pooled regions to vectors."""
