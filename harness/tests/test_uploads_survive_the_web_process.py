"""If the web process is killed in the middle of an upload, what was received is kept, and the upload continues."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import pytest

from dataengine.tests.waiting import until
from harness.files import HEADER
from harness.invariants import wait_until_over
from harness.system import System
from webui.tests.pages import read

CONTENT = (HEADER + "\n" + "".join(f"{n}{',' * HEADER.count(',')}\n" for n in range(20_000))).encode()
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def console(system: System) -> Iterator[httpx.Client]:
    """A client that is logged in."""
    with httpx.Client(base_url=system.url, follow_redirects=True, timeout=60) as client:
        proof = read(client.get("/login/").text).values("input", "value", name="csrfmiddlewaretoken")[0]
        form = {"username": "bench", "password": system.password, "csrfmiddlewaretoken": proof}
        assert client.post("/login/", data=form).url.path == "/"
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client


def kill_web(system: System) -> None:
    """Kill the web process, and wait until the supervisor has started another."""
    before = system.processes("uvicorn")
    for process in before:
        process.kill()
    until(lambda: [process for process in system.processes("uvicorn") if process not in before])


def piece(console: httpx.Client, url: str, offset: int, data: bytes) -> int:
    headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    answer = console.patch(url, content=data, headers=headers)
    assert answer.status_code == 204, answer.text
    return int(answer.headers["Upload-Offset"])


def test_an_upload_goes_on_with_the_next_web_process(system: System, console: httpx.Client) -> None:
    name = base64.b64encode(b"survivor.csv").decode()
    announced = {**TUS, "Upload-Length": str(len(CONTENT)), "Upload-Metadata": f"filename {name}"}
    url = console.post("/uploads/", headers=announced).headers["Location"]
    half = len(CONTENT) // 2
    piece(console, url, 0, CONTENT[:half])
    kill_web(system)
    shown = console.head(url, headers=TUS)
    assert int(shown.headers["Upload-Offset"]) == half
    assert piece(console, url, half, CONTENT[half:]) == len(CONTENT)

    form = {"do": "start", "draft": url.split("/")[2], "table_name": "survivor"}
    answer = console.post("/tables/new/import/", data=form, headers={"X-Requested-With": "tablekeep-upload"})
    job = wait_until_over(system, int(answer.json()["location"].split("/")[2]))
    assert (job["state"], job["rows_imported"]) == ("completed", 20_000)
    system.delete_table("survivor")
