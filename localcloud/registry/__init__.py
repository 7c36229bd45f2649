"""A registry of the v2 API with bearer tokens, as GitHub's is: Docker pushes to it and pulls from it."""
