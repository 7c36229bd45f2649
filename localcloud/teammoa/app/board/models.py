"""What the database holds."""

from django.db import models


class Row(models.Model):
    """One line that a user wrote."""

    text = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
