"""Stand-ins for provider plugins that cannot be had on a closed network; they serve the local cloud only."""
