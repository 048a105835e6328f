"""The entry point of web processes: sets Django up, then loads the application."""

import gc
import os
from importlib import import_module

import django
from django.conf import settings

from config.environment import load_settings
from dataengine.jobs.memory import keep_flat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Set before the settings load: processes that serve requests get short database time limits.
os.environ.setdefault("TABLEKEEP_ROLE", "web")

load_settings()
django.setup(set_prefix=False)
keep_flat()

application = import_module("config.application").application

# Everything loaded so far stays, so the garbage collector need not visit it again, which would stop all requests for
# 70 ms (measured). Django would load the views only with the first request.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
