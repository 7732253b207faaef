#pragma once
// A key and a certificate for a test's TLS server, made anew for each.

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace assay::test_support {

struct SslContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

struct TlsIdentity {
  SslContext context;           ///< for SSL_new of each connection
  std::string certificate_pem;  ///< self-signed, for "localhost" and 127.0.0.1, valid for a day
};

/// Aborts the test program where OpenSSL fails.
TlsIdentity make_tls_identity();

}  // namespace assay::test_support
