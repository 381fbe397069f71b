"""The HTTP service: `create_app` makes it, `gamerec serve` runs it. It answers from `serving`."""
