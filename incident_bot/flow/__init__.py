"""The use cases, one transaction each: what the doors and the worker call. Given the time; acts only through rows."""
