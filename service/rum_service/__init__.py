"""The gRPC service of OpenRUM. Start reading at `server.py`, then `composition/service.py`."""
