/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's headers, and its function-like macros as functions Swift can call. */
#ifndef SIDEGATE_COPENSSL_SHIM_H
#define SIDEGATE_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

/* Variadic functions, which Swift cannot call. */
static inline EVP_PKEY *sidegate_generate_rsa(size_t bits)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
}

static inline EVP_PKEY *sidegate_generate_ec(const char *curve)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
}

static inline EVP_PKEY *sidegate_generate_ed25519(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

/* Parameters point to their names and values, which from Swift would be gone before the call. */
static inline int sidegate_hmac_init(EVP_MAC_CTX *context, const unsigned char *key, size_t count, const char *digest)
{
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0),
        OSSL_PARAM_construct_end(),
    };
    /* An empty key is a key too: a null pointer would mean "keep the key there is". */
    return EVP_MAC_init(context, key != NULL ? key : (const unsigned char *)"", count, parameters);
}

#endif
