"""The one table."""

from django.db import models


class Record(models.Model):
    """Three columns."""

    name = models.TextField()
    amount = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    day = models.DateField(null=True)

    class Meta:
        app_label = "plain"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name
