"""No process loads what it does not need: workers convert columns, web processes show pages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HEAVY = {"pyarrow", "numpy", "pgpq", "pandas", "charset_normalizer", "xlsxwriter", "rich"}
# In a separate process, since this one has loaded everything already.
LOOK = """
import io, json, sys
sys.modules["requests"] = None  # 5 MB that the framework loads for its tests, since single sign-on needs it
import config.asgi
from django.urls import get_resolver
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from dataengine.imports.dialects.opening import examine
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import plan_new
from dataengine.services import import_looks

assert get_resolver().url_patterns
options = ImportOptions.read({"create_table": True})
text = b"a,b\\n1,2024-01-31\\n"
plan_new(examine(io.BytesIO(text), "data.csv", options.dialect), options)
key = default_storage.save("drafts/x", ContentFile(text))
import_looks.WAIT_SECONDS = 90.0  # whoever runs tests has time
look = import_looks.look(key, "data.csv", options.given, None)
assert look, "no answer"
kinds = [column["type"] for column in look["columns"]]
assert kinds == ["integer", "date"], kinds
print(json.dumps(sorted(sys.modules)))
"""

# What a worker's parent loads for all its children, and what one of them loads for an import.
WORK = """
import json, sys
from config import celery

celery.app.loader.init_worker()
celery.load_before_the_children()
before = sorted(sys.modules)
from dataengine.services import import_execution

print(json.dumps([before, sorted(sys.modules)]))
"""
OF_PAGES = {"rest_framework.serializers", "requests", "django.test", "allauth.account.forms"}


def test_serving_pages_and_looking_into_uploads_loads_nothing_that_converts(tmp_path: Path) -> None:
    assert not HEAVY & set(_printed(LOOK, tmp_path, "web"))


def test_workers_load_no_pages_and_what_converts_only_to_import(tmp_path: Path) -> None:
    before, importing = _printed(WORK, tmp_path, "worker")
    assert not (HEAVY | OF_PAGES) & set(before)
    assert "pyarrow" in importing
    assert not OF_PAGES & set(importing)


def _printed(program: str, folder: Path, role: str) -> Any:
    environment = {**os.environ, "SECRET_KEY": "x", "TABLEKEEP_ROLE": role, "DATA_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=environment,
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
