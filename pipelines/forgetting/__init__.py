"""Erasure of one customer (GDPR article 17) from everything that is stored and published.

``forget`` is the face.
"""
