"""The audit: every decision, redacted, in a hash-chained log and in traces."""
