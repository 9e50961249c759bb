"""The audit trail: read, examined, followed, cut to size, carried elsewhere."""
