"""Every URL: the API, the console, Django's admin, health."""

from django.contrib import admin
from django.urls import include, path

from dataengine.api import health
from dataengine.api.metrics import metrics
from dataengine.api.urls import UnknownView
from webui.views import account

admin.autodiscover()

urlpatterns = [
    path("health/live/", health.live, name="health-live"),
    path("health/ready/", health.ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
    # Before the admin's own log-in, which does not slow down the guessing of passwords.
    path("admin/login/", account.admin_login),
    path("admin/", admin.site.urls),
    path("api/", include("dataengine.api.urls")),
    path("api", UnknownView.as_view()),
    path("", include("webui.urls")),
]
handler400 = "config.errors.bad_request"
handler403 = "config.errors.not_allowed"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
