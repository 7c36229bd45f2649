"""AWS on this machine: MiniStack's API with a balancer, a registry, identities and a scheduler that really do their work."""
