"""What a stack can declare: one component per file."""
