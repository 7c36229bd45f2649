"""The table: one file per AWS service."""
