"""What release components run: one module per transaction, no Pulumi inside."""
