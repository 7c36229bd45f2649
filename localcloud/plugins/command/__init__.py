"""Stand-in for pulumi-command 1.2.1: `command:local:Command` with the original's semantics."""
