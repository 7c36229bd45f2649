"""The application's own tests: `python manage.py test`."""
