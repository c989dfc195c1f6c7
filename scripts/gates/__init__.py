"""The three gates: what arrived, the rules, what leaves."""
