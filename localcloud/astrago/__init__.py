"""What Astrago's stack works with: repositories, registry and Argo CD, laid out as its document says."""
