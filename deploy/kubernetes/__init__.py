"""Kaifu on Kubernetes: kustomize base and overlays; Kafka's resources are generated from the catalogue."""
