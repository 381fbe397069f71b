"""The pages that a run leaves in `reports/`: readable from a disk, without network or script."""
