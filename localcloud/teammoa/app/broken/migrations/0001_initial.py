"""A migration that a reviewer should have refused: its column never was."""

from django.db import migrations


class Migration(migrations.Migration):
    """Fails in every database."""

    initial = True
    dependencies = [("board", "0001_initial")]
    operations = [migrations.RunSQL("ALTER TABLE board_row DROP COLUMN colour")]
