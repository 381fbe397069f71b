"""A project with a model for the tests of the page, made once per file."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from pictured_project import SmallProject

from gamerec.settings import load_settings


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """60 players of the sample's games, a model live and another as candidate."""
    made = SmallProject(tmp_path_factory.mktemp("project")).fill()
    made.version("item_knn")
    made.version("item_knn", live=False, neighbours=3, shrinkage=5.0)
    return made


@pytest.fixture
def project_settings(project, home):
    """The project's settings."""
    return load_settings(project.home)
