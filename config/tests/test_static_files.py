"""Static files come whole, in part, or not at all when the browser has them."""

from django.test import Client

_PATH = "/static/console.css"


def test_whole(client: Client) -> None:
    answer = client.get(_PATH)

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/css")
    assert int(answer["Content-Length"]) == len(answer.content) > 0


def test_a_part(client: Client) -> None:
    whole = client.get(_PATH).content

    answer = client.get(_PATH, headers={"Range": "bytes=10-19"})

    assert answer.status_code == 206
    assert answer.content == whole[10:20]


def test_headers_alone(client: Client) -> None:
    answer = client.head(_PATH)

    assert answer.status_code == 200
    assert answer.content == b""


def test_nothing_when_unchanged(client: Client) -> None:
    etag = client.get(_PATH)["ETag"]

    assert client.get(_PATH, headers={"If-None-Match": etag}).status_code == 304
