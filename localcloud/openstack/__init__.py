"""An OpenStack cloud on one port: identity, servers, images, volumes and networks that behave, refuse and race.

Servers are containers. What it lacks is refused, never silently accepted.
"""
