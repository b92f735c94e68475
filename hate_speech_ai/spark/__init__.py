"""Judging a lake of tweets with Apache Spark: see docs/command-line.md. Nothing else of the project imports this."""
