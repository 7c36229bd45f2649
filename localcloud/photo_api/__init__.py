"""The sample of photo-api: a small FastAPI service as a git tree, and what a mirror gives to its images."""
