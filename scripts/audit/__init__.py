"""Records what a return was made of: audit.json, packs, the history of nights; purging."""
