"""The few commands people and workflows say beyond plain `pulumi`: `python -m ops.<name> --help`."""
