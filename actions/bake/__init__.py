"""Baking an image: what the bake stack's commands run. Each prints one part, a JSON object with its steps and times."""
