"""Workers: units of work done in this process, in several, or on a Ray cluster; one writes."""
