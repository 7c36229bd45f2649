"""Set up this machine for the local stacks. Standard library only: it runs before anything is installed."""
