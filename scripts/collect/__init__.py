"""DfE's own rules and COLLECT's own errors beside ours."""
