"""What a return was made of, kept and checked: audit.json, packs, the nights, purging."""
