"""TLS credentials of the gRPC server, from files that may be replaced while the service runs."""

from __future__ import annotations

__all__ = ["server_credentials"]

import grpc

from rum_endpoint.certificate_files import CertificateFile, FollowedFiles, read_ca, read_pair


def server_credentials(
    certificate: CertificateFile, key: CertificateFile, client_ca: CertificateFile | None
) -> grpc.ServerCredentials:
    """Return credentials that follow the files. With a client CA, callers need a certificate.

    Raises:
        StartError: a file cannot be used.
    """

    def read() -> grpc.ServerCertificateConfiguration:
        pair = read_pair(certificate, key)
        ca = read_ca(client_ca) if client_ca else None
        return grpc.ssl_server_certificate_configuration([(pair.key, pair.certificate)], ca)

    files = FollowedFiles([file for file in (certificate, key, client_ca) if file], read)
    # gRPC calls the function at every handshake and keeps the current credentials on None.
    return grpc.dynamic_ssl_server_credentials(
        files.read(),
        files.read_if_changed,  # type: ignore[arg-type] # the stub does not allow None
        require_client_authentication=client_ca is not None,
    )
