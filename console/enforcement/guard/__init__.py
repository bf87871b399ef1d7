"""The engine that supervises one job through seccomp user notification."""
