"""The status page at work: read from the record, kept ready for many, written to a folder, compared with alerts."""
