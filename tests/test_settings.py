"""Settings come from the environment and .env, are refused when unknown, and hide secrets."""

import pytest

from gamerec.errors import UsageError
from gamerec.settings import load_settings


def test_defaults_need_nothing(home):
    settings = load_settings()
    assert settings.gamerec_home == home
    assert settings.store_uri == str(home / "store")
    assert settings.secrets == []


def test_environment_wins_over_env_file(home, monkeypatch):
    (home / ".env").write_text("KEEP_RUNS=5\nWANDB_PROJECT=from-file\n")
    monkeypatch.setenv("KEEP_RUNS", "7")
    settings = load_settings()
    assert (settings.keep_runs, settings.wandb_project) == (7, "from-file")


def test_unknown_name_in_env_file_is_refused_with_the_nearest(home):
    (home / ".env").write_text("RAWG_API_KEYS=abc\n")
    with pytest.raises(UsageError, match="RAWG_API_KEYS.*did you mean RAWG_API_KEY") as caught:
        load_settings()
    assert "abc" not in str(caught.value)


def test_a_secret_may_stand_in_a_file_of_its_own(home, tmp_path, monkeypatch):
    (tmp_path / "database_url").write_text("mysql+pymysql://u:canary-file@db/g\n")
    (tmp_path / "rawg_api_key").write_text("from-the-file")
    (tmp_path / "another_program").write_text("not ours")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("RAWG_API_KEY", "from-the-environment")
    settings = load_settings()
    assert settings.database_url.get_secret_value() == "mysql+pymysql://u:canary-file@db/g"
    assert settings.rawg_api_key.get_secret_value() == "from-the-environment"
    assert "mysql+pymysql://u:canary-file@db/g" in settings.secrets
    assert "canary" not in f"{settings!r}"


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "rawg_api_key").write_bytes(b"\xff\xfe canary \xff")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    with pytest.raises(UsageError, match=f"{tmp_path} cannot be read.*rawg_api_key") as caught:
        load_settings()
    assert "canary" not in str(caught.value)


def test_wrong_type_names_the_setting_and_not_its_value(home):
    (home / ".env").write_text("KEEP_RUNS=many\n")
    with pytest.raises(UsageError, match="setting KEEP_RUNS") as caught:
        load_settings()
    assert "many" not in str(caught.value)


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch):
    monkeypatch.setenv("RAWG_API_KEY", "canary-rawg")
    monkeypatch.setenv("DATABASE_URL", "mysql+pymysql://u:canary-db@127.0.0.1/g")
    settings = load_settings()
    assert "canary" not in f"{settings} {settings!r} {settings.model_dump()}"
    assert "canary-rawg" in settings.secrets


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().keep_runs = 3


def test_s3_url_is_kept_and_a_folder_counts_from_home(home, monkeypatch):
    monkeypatch.setenv("STORE_URL", "s3://bucket/prefix")
    assert load_settings().store_uri == "s3://bucket/prefix"
    monkeypatch.setenv("STORE_URL", "elsewhere")
    assert load_settings().store_uri == str(home / "elsewhere")


def test_notebooks_are_those_of_home_where_it_has_some(home):
    assert load_settings().notebooks.name == "notebooks"
    assert load_settings().notebooks != home / "notebooks"
    (home / "notebooks").mkdir()
    assert load_settings().notebooks == home / "notebooks"
