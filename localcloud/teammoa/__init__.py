"""TeamMoa's sample application: a small real Django project, in good versions and in bad ones."""
