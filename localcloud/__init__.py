"""Everything that lets `pulumi up` of a `*.local` stack run for real on one machine."""
