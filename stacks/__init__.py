"""One module per system, and the settings they are declared with."""
