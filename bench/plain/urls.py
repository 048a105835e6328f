"""Its API."""

from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.routers import DefaultRouter
from rest_framework_simplejwt.views import TokenObtainPairView

from bench.plain.models import Record


class RecordSerializer(serializers.ModelSerializer[Record]):
    """All columns."""

    class Meta:
        model = Record
        fields = ("id", "name", "amount", "day")


class RecordViewSet(viewsets.ModelViewSet[Record]):
    """All that a ModelViewSet does."""

    queryset = Record._default_manager.all()
    serializer_class = RecordSerializer


router = DefaultRouter()
router.register("records", RecordViewSet)
urlpatterns = [path("token/", TokenObtainPairView.as_view()), path("", include(router.urls))]
