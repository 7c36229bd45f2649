"""GitHub's REST API, as much of it as the project's commands call, over HTTP and in front of real git repositories."""
