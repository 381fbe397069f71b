"""gamerec: game recommendations from notebooks. The public names are those in `__all__`."""

from gamerec.errors import GamerecError
from gamerec.interactions import Interactions

__all__ = ["GamerecError", "Interactions"]
__version__ = "0.1.0"
