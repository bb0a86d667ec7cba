"""Files and environment become core values: settings, documents, one revision at a time. Never acts."""
