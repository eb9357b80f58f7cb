#pragma once
// First, so that every C module sees libc with the same feature macros (some of these headers define _GNU_SOURCE).
#include <features.h>
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/crypto.h>

// Macros of <openssl/ssl.h> and <openssl/err.h>, which Swift cannot call.
static inline int carillon_tls_set_min_version(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_min_proto_version(context, version);
}
static inline long carillon_tls_set_mode(SSL_CTX *context, long mode) { return SSL_CTX_set_mode(context, mode); }
static inline long carillon_tls_set_session_cache_off(SSL_CTX *context) {
  return SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}
static inline long carillon_tls_set_read_ahead(SSL_CTX *context) { return SSL_CTX_set_read_ahead(context, 1); }
static inline int carillon_tls_set_server_name(SSL *ssl, const char *name) {
  return (int)SSL_set_tlsext_host_name(ssl, name);
}
static inline int carillon_tls_set_ticket_callback(
    SSL_CTX *context, int (*callback)(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, EVP_MAC_CTX *, int)) {
  return (int)SSL_CTX_set_tlsext_ticket_key_evp_cb(context, callback);
}

// In C, because parameters keep pointers to their names: a Swift string's would not live long enough.
static inline int carillon_mac_set_hmac_sha256(EVP_MAC_CTX *mac, const unsigned char *key, size_t count) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key, count),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters);
}
