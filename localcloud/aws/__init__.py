"""AWS on this machine: MiniStack's API with a balancer, registry, identities and scheduler that do the work."""
