"""The packages of a monorepo: what a build packs, and how each kind of target takes it."""
