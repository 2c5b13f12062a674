"""The control plane: app monitors, tags, resource policies, metrics and reading events back."""
