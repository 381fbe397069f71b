"""Players: simulated with their truth, or read from a play log; and the games they play."""
