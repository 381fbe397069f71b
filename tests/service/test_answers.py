"""Every path over HTTP: what it answers, in the shape that OpenAPI promises."""

import pytest
import small_store

from gamerec.service import schemas


def told(response, model, status=200):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    model.model_validate(body)
    assert set(body) == set(model.model_fields)
    assert response.headers["x-request-id"]
    assert (
        body.get("request_id", response.headers["x-request-id"]) == response.headers["x-request-id"]
    )
    return body


def test_predict_for_a_user_says_why_and_by_what(client):
    body = told(client.post("/predict", {"user_id": 3, "k": 4}), schemas.PredictResponse)
    assert (len(body["items"]), body["source"], body["reason"]) == (4, "model", "")
    assert body["model_version"] == "model_v1"
    first = body["items"][0]
    assert set(first) == set(schemas.ItemOut.model_fields)
    assert first["because"][0]["contribution"] > 0
    assert first["image"].startswith("https://media.rawg.io/")


def test_predict_for_a_session_with_all_the_wishes(client):
    wish = {
        "games": [10, 20, "unknown"],
        "k": 3,
        "exclude": [30],
        "filters": {"genres": {"any": ["action", "Indie"]}, "year_from": 2001, "year_to": 2030},
        "diversity": 0.4,
        "popularity": -1,
        "explain": True,
    }
    body = told(client.post("/predict", wish), schemas.PredictResponse)
    assert len(body["items"]) == 3
    assert body["ignored"] == ["unknown"]
    for item in body["items"]:
        assert {"Action", "Indie"} & set(item["genres"])
        total = sum(b["contribution"] for b in item["because"])
        assert total == pytest.approx(item["score"], abs=1e-6)


def test_predict_for_an_unknown_user_is_the_popular_list_and_no_error(client):
    body = told(client.post("/predict", {"user_id": "nobody"}), schemas.PredictResponse)
    assert (body["source"], body["reason"]) == ("popular", "the user is unknown")
    popular = told(client.get("/popular"), schemas.ItemsResponse)
    assert [i["game_id"] for i in body["items"]] == [i["game_id"] for i in popular["items"]]


def test_a_batch_has_the_lists_of_single_questions_in_order(client):
    users = [5, "nobody", 3, 5]
    body = told(client.post("/predict/batch", {"users": users, "k": 3}), schemas.BatchResponse)
    assert [r["user_id"] for r in body["results"]] == users
    for result in body["results"]:
        single = client.post("/predict", {"user_id": result["user_id"], "k": 3}).json()
        assert result["items"] == single["items"]


def test_a_batch_of_a_thousand_users(client):
    users = list(range(1_000))
    body = told(client.post("/predict/batch", {"users": users}), schemas.BatchResponse)
    assert len(body["results"]) == 1_000
    refused = told(client.post("/predict/batch", {"users": [*users, 1]}), schemas.Problem, 422)
    assert refused["field"] == "users"


def test_games_are_paged_and_searched(client):
    page = told(client.get("/games?limit=5&offset=10"), schemas.GamesResponse)
    assert (len(page["games"]), page["total"]) == (2, small_store.N_GAMES)
    found = told(client.get("/games", params={"q": "cafe"}), schemas.GamesResponse)
    assert [g["name"] for g in found["games"]] == ["Café Noir"]
    racing = told(client.get("/games?genre=racing&genre=Action"), schemas.GamesResponse)
    assert {tuple(g["genres"]) for g in racing["games"]} == {("Action", "Racing")}


def test_one_game_and_its_likes(client):
    assert told(client.get("/games/10"), schemas.GameResponse)["name"] == "Abyss"
    similar = told(client.get("/games/10/similar?k=3"), schemas.ItemsResponse)
    assert 0 < len(similar["items"]) <= 3
    for path in ("/games/999", "/games/999/similar", "/users/999/history"):
        assert "999" in told(client.get(path), schemas.Problem, 404)["error"]


def test_a_history_is_paged(client):
    whole = told(client.get("/users/3/history"), schemas.HistoryResponse)
    assert whole["total"] == len(whole["history"]) > 1
    part = told(client.get("/users/3/history?limit=1&offset=1"), schemas.HistoryResponse)
    assert part["history"] == whole["history"][1:2]


def test_ids_of_text_with_a_slash_are_found_in_paths(home, clients):
    client = clients(small_store.make(home, text=True))
    body = told(client.get("/users/ü%2F3/history"), schemas.HistoryResponse)
    assert body["user_id"] == "ü/3"
    assert told(client.get("/games/g10"), schemas.GameResponse)["game_id"] == "g10"


def test_an_event_is_kept_before_it_is_acknowledged_and_counts_at_once(home, clients):
    client = clients(small_store.make(home))
    first = client.post("/predict", {"user_id": 3}).json()["items"][0]["game_id"]
    event = {"event_id": "e-1", "kind": "hidden", "user_id": 3, "game_id": first}
    assert told(client.post("/events", event), schemas.EventResponse, 202)["recorded"] is True
    items = client.post("/predict", {"user_id": 3}).json()["items"]
    assert first not in [item["game_id"] for item in items]
    assert told(client.post("/events", event), schemas.EventResponse, 202)["recorded"] is False
    said = client.get("/users/3/history").json()["history"][-1]
    assert (said["origin"], said["kind"]) == ("event", "hidden")
    lost = client.post("/events", event | {"event_id": "e-2", "game_id": 999})
    assert "999" in told(lost, schemas.Problem, 404)["error"]


def test_alive_ready_and_which_version(client):
    assert told(client.get("/healthz"), schemas.HealthResponse) == {"status": "alive"}
    assert told(client.get("/readyz"), schemas.HealthResponse) == {"status": "ready"}
    body = told(client.get("/version"), schemas.VersionResponse)
    assert (body["model_version"], body["refused"]) == ("model_v1", {})


def test_metrics_count_requests_lists_and_tell_the_version(client):
    client.post("/predict", {"user_id": 1})
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert 'gamerec_model_info{version="model_v1",source="model"} 1' in response.text
    assert 'gamerec_lists_total{source="model"}' in response.text
    assert 'route="/predict",status="200"' in response.text


def test_the_documentation_asks_no_other_host(client):
    page = client.get("/docs").text
    assert "http://" not in page.replace("http://test", "")
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert client.get(f"/static-offline-docs/{asset}").status_code == 200
    document = client.get("/openapi.json").json()
    assert "/predict" in document["paths"]
    assert document["components"]["schemas"]["PredictRequest"]["properties"]["k"]["maximum"] == 100


def test_without_a_model_the_batch_answers_and_readyz_says_no(home, clients):
    settings = small_store.make(home)
    small_store.score_batch(settings)
    (home / "store" / "models").rename(home / "away")
    client = clients(settings)
    body = told(client.post("/predict", {"user_id": 3, "k": 4}), schemas.PredictResponse)
    assert (body["source"], body["model_version"], len(body["items"])) == ("batch", "model_v1", 4)
    assert "no model in production" in body["reason"]
    assert "make pipeline" in told(client.get("/readyz"), schemas.Problem, 503)["error"]
    for path in ("/games", "/popular", "/games/10", "/games/10/similar", "/users/3/history"):
        assert client.get(path).status_code == 200, path


def test_without_anything_it_is_alive_and_says_what_to_do(home, clients):
    client = clients(small_store.Settings(gamerec_home=home))
    assert client.get("/healthz").status_code == 200
    assert client.get("/version").json()["source"] == "none"
    assert client.get("/metrics").status_code == 200
    asked = [client.post("/predict", {"user_id": 3}), client.get("/games"), client.get("/popular")]
    for response in asked:
        assert "make pipeline" in told(response, schemas.Problem, 503)["error"]
