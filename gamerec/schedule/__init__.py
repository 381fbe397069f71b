"""The pipeline on a schedule on one machine: cron times, processes, state that survives."""
