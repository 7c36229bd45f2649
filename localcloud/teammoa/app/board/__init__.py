"""The one application: rows on a board."""
