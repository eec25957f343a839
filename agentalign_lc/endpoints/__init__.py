"""Endpoints: chat models as paid, limited, failing services, and what was got from them."""
