"""An upload in the console is accepted, and its import queued, even if Redis is down or frozen."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dataengine.models import ImportJob
from dataengine.tests.waiting import PATIENCE_SECONDS
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PROJECT_DIR = Path(__file__).resolve().parents[2]
# In a process with another Redis. That it ends is the test: waiting for Redis would take for ever.
_UPLOAD = """
import django
django.setup()
from django.contrib.auth.models import User
from django.test import Client

console = Client(headers={"Host": "localhost"})
console.force_login(User.objects.get(username="owner"))
tus = {"Tus-Resumable": "1.0.0"}
body = b"n\\n1\\n"
piece = {**tus, "Upload-Offset": "0"}
named = {"Upload-Metadata": "filename ZGF0YS5jc3Y="}  # data.csv

def answered(answer, status):
    assert answer.status_code == status, (answer.status_code, answer.content)
    return answer

announced = {**tus, **named, "Upload-Length": str(len(body))}
url = answered(console.post("/uploads/", headers=announced), 201)["Location"]
answered(console.patch(url, body, content_type="application/offset+octet-stream", headers=piece), 204)
form = {"do": "start", "draft": url.split("/")[2]}
answered(console.post("/tables/t/import/", form, headers={"X-Requested-With": "tablekeep-upload"}), 200)
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["away", "frozen"])
def test_an_upload_is_answered(owner: User, process_environment: dict[str, str], kind: str) -> None:
    make_table(owner, "t", {"n": "INTEGER"})
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        port = frozen.getsockname()[1] if kind == "frozen" else 9
        environment = {**process_environment, "TABLEKEEP_ROLE": "web", "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        command = [sys.executable, "-c", _UPLOAD]
        done = subprocess.run(
            command,
            env=environment,
            cwd=PROJECT_DIR,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    assert done.returncode == 0, done.stderr
    assert ImportJob.objects.get().state == "queued"
