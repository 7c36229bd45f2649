"""photo-api, the sample."""
