"""Components whose children do something: a release is a resource like any other."""
