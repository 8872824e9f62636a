package main

// validateParts asks the packages that own their sections.
func (c *Config) validateParts(*report) {}

// upstreams asks forward about a set of upstreams.
func (r *report) upstreams(string, []string) {}

// warnings are worth a second look but refuse nothing.
func (c *Config) warnings(*places) problems { return nil }

func (l *loaded) includeFile(string) problems { return nil }
