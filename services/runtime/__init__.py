"""What every process is made of: settings, Kafka, MongoDB, metrics, health, life cycle.

It knows no domain: nothing here mentions feedback, an index or an alert, except the names in the
catalogue of metrics.
"""
