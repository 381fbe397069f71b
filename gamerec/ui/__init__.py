"""The page of recommendations, as a widget for JupyterLab and Voilà: `Recommender`."""

from gamerec.ui.widget import Recommender

__all__ = ["Recommender"]
