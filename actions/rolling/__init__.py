"""A release on a fleet of hosts, some at a time: decided by pure planners, performed as one transaction."""
