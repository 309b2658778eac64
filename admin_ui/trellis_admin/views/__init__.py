"""One module per screen. Each has ``install(blueprint)``, which adds its addresses."""
