"""The seven notebooks as one command: `run.run_pipeline` is the way in."""
