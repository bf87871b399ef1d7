"""The kernel engine: BPF programs below a cgroup that decide as the rules say."""
