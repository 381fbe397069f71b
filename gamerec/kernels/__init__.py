"""Kernels for the stages of a run: `pool.Kernels` is all that the pipeline sees."""
