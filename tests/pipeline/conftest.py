"""A project of seven small notebooks for every test of the pipeline."""

from pathlib import Path

import pytest
from small_project import Project


@pytest.fixture
def project(home: Path) -> Project:
    """A project folder with seven small notebooks that succeed."""
    return Project(home)
