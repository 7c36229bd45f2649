"""What is served where."""

from board import views
from django.conf import settings
from django.urls import path
from django.views.static import serve

urlpatterns = [
    path("", views.home),
    path("health/", views.health),
    path("session/", views.session),
    path("slow/", views.slow),
    path("rows/", views.rows),
    path("upload/", views.upload),
    path("static/<path:path>", serve, {"document_root": settings.STATIC_ROOT}),
]
