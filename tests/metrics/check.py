"""Reads metrics from standard input with the parser of Prometheus's own client, and writes each sample as a line."""

import sys

from prometheus_client.openmetrics import parser

for family in parser.text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        print(family.type, sample.name, sorted(sample.labels.items()), sample.value)
