"""A small real web service: what the local stacks and the tests deploy, in good versions and in bad ones."""
