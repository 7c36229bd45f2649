"""Stand-in for pulumi-aws 7.51.1: a table of resource types in front of boto3, for the local cloud only."""
