"""The catalogue: where games come from, exploring, cleaning, and content features."""
