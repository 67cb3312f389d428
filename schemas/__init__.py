"""What services share: events, topics, stored documents, instruments. Services meet here alone.

Models are strict where we produce; `read` is tolerant of new fields where we consume, so that an
older reader survives a newer writer.
"""
