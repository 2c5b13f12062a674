"""HTTP: connections and their limits, the protocol, certificates and bodies."""
