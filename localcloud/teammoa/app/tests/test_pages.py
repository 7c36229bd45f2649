"""What the pages answer."""

import hashlib
from unittest import mock

from config.modes import ill
from django.core.cache import cache
from django.db import OperationalError
from django.test import TestCase, override_settings
from redis import RedisError


class PagesTest(TestCase):
    """On a database and a cache of the test's own."""

    def test_health_names_what_does_not_answer(self) -> None:
        answer = self.client.get("/health/")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.json()["database"], "ok")
        with mock.patch("board.views.connection.cursor", side_effect=OperationalError("secret host name")):
            answer = self.client.get("/health/")
        self.assertEqual((answer.status_code, answer.json()["redis"]), (503, "ok"))
        self.assertEqual(answer.json()["database"], "does not answer (OperationalError)")
        with mock.patch.object(cache, "get", side_effect=RedisError()):
            answer = self.client.get("/health/")
        self.assertEqual((answer.status_code, answer.json()["database"]), (503, "ok"))

    @override_settings(VERSION="v9")
    def test_every_answer_tells_the_version(self) -> None:
        for path in ("/", "/health/", "/nowhere"):
            self.assertEqual(self.client.get(path)["X-Version"], "v9")

    def test_a_session_counts_its_visits(self) -> None:
        self.assertIn("sessionid", self.client.get("/").cookies)
        self.assertEqual([self.client.get("/session/").json()["count"] for _ in range(3)], [1, 2, 3])
        self.assertEqual(self.client_class().get("/session/").json()["count"], 1)

    def test_rows_are_added_and_listed(self) -> None:
        self.assertEqual(self.client.post("/rows/", {"text": "first"}).status_code, 201)
        self.assertEqual(
            self.client.post("/rows/", {"text": "second"}, content_type="application/json").status_code, 201
        )
        self.assertEqual(self.client.post("/rows/", {}).status_code, 400)
        self.assertEqual(self.client.post("/rows/", "[]", content_type="application/json").status_code, 400)
        listed = self.client.get("/rows/").json()
        self.assertEqual((listed["count"], [row["text"] for row in listed["rows"]]), (2, ["second", "first"]))

    def test_an_upload_is_measured(self) -> None:
        body = b"x" * 3_000_000
        answer = self.client.post("/upload/", body, content_type="application/octet-stream").json()
        self.assertEqual((answer["bytes"], answer["sha256"]), (3_000_000, hashlib.sha256(body).hexdigest()))
        self.assertEqual(self.client.get("/upload/").status_code, 405)

    def test_slow_refuses_nonsense(self) -> None:
        self.assertEqual(self.client.get("/slow/?seconds=0").json()["slept"], 0)
        for seconds in ("x", "-1", "601", "nan"):
            self.assertEqual(self.client.get(f"/slow/?seconds={seconds}").status_code, 400)

    def test_a_liar_is_ill_through_the_balancer_alone(self) -> None:
        with override_settings(MODE="health-lies"):
            self.assertEqual(self.client.get("/health/").status_code, 200)
            by_nginx = self.client.get("/health/", headers={"X-Forwarded-For": "127.0.0.1"})
            self.assertEqual(by_nginx.status_code, 200)
            by_user = self.client.get("/health/", headers={"X-Forwarded-For": "192.0.2.7, 10.0.0.4"})
            self.assertEqual(by_user.status_code, 503)
        with override_settings(MODE="health-500"):
            self.assertEqual(self.client.get("/health/").status_code, 503)
            self.assertEqual(self.client.get("/").status_code, 200)

    def test_flapping_is_four_seconds_of_each(self) -> None:
        seen = [bool(ill("health-flaps", seconds=second, forwarded_for="")) for second in range(12)]
        self.assertEqual(seen, [False] * 4 + [True] * 4 + [False] * 4)
        self.assertEqual(ill("good", seconds=5, forwarded_for="192.0.2.7, 10.0.0.4"), "")
