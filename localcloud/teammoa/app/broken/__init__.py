"""An application whose migration cannot succeed; installed by MODE=migrate-fails alone."""
