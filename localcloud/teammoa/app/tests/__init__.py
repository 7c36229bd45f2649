"""The application's own tests: `python manage.py test --settings config.settings_test`."""
