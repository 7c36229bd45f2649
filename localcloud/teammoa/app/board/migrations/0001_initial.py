"""The table of rows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """From nothing."""

    initial = True
    operations = [
        migrations.CreateModel(
            name="Row",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        )
    ]
