"""Bad input, keys, rates, sizes and faults: the answer, and what the log tells of it."""

import hashlib
import io
import json

import pytest
import small_store

from gamerec.errors import UsageError
from gamerec.service.app import create_app
from gamerec.settings import Settings

KEY = "canary-api-key"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"k": 0}, "k"),
        ({"k": 101}, "k"),
        ({"k": "10"}, "k"),
        ({"k": True}, "k"),
        ({"user_id": 1.5}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": 2**63}, "user_id"),
        ({"games": [1] * 501}, "games"),
        ({"games": [None]}, "games.0"),
        ({"diversity": 1.01}, "diversity"),
        ({"popularity": -2}, "popularity"),
        ({"kk": 3}, "kk"),
        ({"filters": {"genres": {"any": ["Raicing"]}}}, "filters.genres.any"),
        ({"filters": {"genres": {"any": [3]}}}, "filters.genres.any.0"),
        ({"filters": {"year_from": 1200}}, "filters.year_from"),
        ([], "body"),
    ],
)
def test_bad_input_is_422_and_names_the_field(client, body, field):
    response = client.post("/predict", body)
    assert response.status_code == 422
    assert response.json()["field"] == field
    assert response.json()["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"k": NaN}', b"[[[[[" * 10_000])
def test_what_is_no_json_is_422(client, body):
    for path in ("/predict", "/predict/batch", "/events"):
        response = client.request("POST", path, content=body)
        assert response.status_code == 422, path
        assert response.json()["field"]


def test_wrong_queries_paths_and_methods(client):
    response = client.get("/games?limit=0")
    assert (response.status_code, response.json()["field"]) == (422, "limit")
    assert client.get("/nothing").status_code == 404
    response = client.get("/predict")
    assert response.status_code == 405
    assert "POST" in response.headers["allow"]
    assert client.request("DELETE", "/games/10").status_code == 405


def test_a_large_body_is_refused_with_and_without_its_length(client):
    assert client.request("POST", "/predict", content=b" " * 300_000).status_code == 413

    async def chunks():
        for _ in range(300):
            yield b" " * 1024

    for path in ("/predict", "/events"):
        assert client.request("POST", path, content=chunks()).status_code == 413


def keyed(home, **more):
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    return small_store.make(home).model_copy(update={"service_api_keys": f"{digest},"} | more)


def test_with_keys_only_their_holders_are_answered(home, clients):
    client = clients(keyed(home))
    assert client.post("/predict", {}).status_code == 401
    for header in ({"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}):
        assert client.post("/predict", {}, headers=header).status_code == 200
    assert client.post("/predict", {}, headers={"x-api-key": "wrong"}).status_code == 401
    for path in ("/version", "/metrics", "/games"):
        assert client.get(path).status_code == 401
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
        assert client.get(path).status_code == 200
    assert "key" in client.get("/openapi.json").json()["components"]["securitySchemes"]


def test_a_key_in_clear_is_refused_as_a_setting(home):
    with pytest.raises(UsageError, match="sha256sum") as caught:
        create_app(Settings(gamerec_home=home, service_api_keys=KEY))
    assert KEY not in str(caught.value)


def test_who_asks_too_often_has_to_wait(home, clients):
    client = clients(small_store.make(home).model_copy(update={"service_rate_limit": 0.01}))
    assert client.post("/predict", {}).status_code == 200
    response = client.post("/predict", {})
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) > 10
    assert client.get("/healthz").status_code == 200


def test_pages_of_the_named_origins_may_ask(home, clients):
    client = clients(keyed(home, service_cors_origins="https://shop.example, https://b.example"))
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
    allowed = client.request("OPTIONS", "/predict", headers={"origin": "https://b.example"} | asks)
    assert allowed.headers["access-control-allow-origin"] == "https://b.example"
    other = client.request("OPTIONS", "/predict", headers={"origin": "https://evil.example"} | asks)
    assert "access-control-allow-origin" not in other.headers


def test_the_log_is_json_with_the_request_and_no_more_of_a_person_than_the_user(
    home, clients, monkeypatch
):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    client = clients(keyed(home))
    headers = {"x-api-key": KEY, "x-request-id": "mine-1", "user-agent": "canary-agent"}
    client.post("/predict?canary=1", {"user_id": 3}, headers=headers)
    client.get("/games?q=canary", headers=headers | {"x-request-id": "bad id\t"})
    client.close()
    lines = [json.loads(line) for line in stream.getvalue().splitlines() if line.startswith("{")]
    first, second = [line for line in lines if "request_id" in line]
    assert (first["request_id"], first["user_id"], first["status"]) == ("mine-1", 3, 200)
    assert (first["route"], first["model_version"], first["source"]) == (
        *("/predict", "model_v1"),
        "model",
    )
    assert second["request_id"] != "bad id\t"
    for secret in ("canary", "10.1.2.3", KEY):
        assert secret not in stream.getvalue()


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_a_fault_of_ours_is_a_503_with_an_id_that_the_log_has(
    home, clients, monkeypatch, caplog, path
):
    client = clients(small_store.make(home))

    def broken(*_):
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr(client.app.state.engine, "recommend", broken)
    monkeypatch.setattr(client.app.state.engine, "recommend_many", broken)
    response = client.post(path, {"users": [1]} if "batch" in path else {})
    assert response.status_code == 503
    assert response.json()["error_id"] in caplog.text
    assert "secret inside" not in response.text
    assert "secret inside" in caplog.text


def test_an_event_without_a_database_is_503_and_lists_go_on(home, clients, monkeypatch):
    small_store.make(home)
    monkeypatch.setenv("DATABASE_URL", "mysql://user:canary-secret@127.0.0.1:1/games")
    client = clients(Settings(gamerec_home=home))
    event = {"kind": "liked", "user_id": 3, "game_id": 10}
    response = client.post("/events", event)
    assert response.status_code == 503
    assert "canary-secret" not in response.text
    assert client.post("/predict", {"user_id": 3}).json()["source"] == "model"
    assert client.get("/version").json()["events"] is False
