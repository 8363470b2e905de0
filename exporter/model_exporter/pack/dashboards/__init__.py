"""Grafana dashboards as code: what a person looks at, in Grafana's Classic JSON."""
