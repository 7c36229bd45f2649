"""Argo CD's application API in front of a real git repository."""
