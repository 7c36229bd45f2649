"""A release that is a commit: tags in a repository's values files, carried out by Argo CD."""
