"""Django's command line: `python manage.py migrate --noinput`, `python manage.py test`."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    settings = "config.settings_test" if sys.argv[1:2] == ["test"] else "config.settings"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings)
    execute_from_command_line(sys.argv)
