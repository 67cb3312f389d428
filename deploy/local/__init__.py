"""A real Kafka, a real MongoDB and the four services as processes of one machine, no Docker."""
