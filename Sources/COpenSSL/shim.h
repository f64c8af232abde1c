/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's headers, and its function-like macros as functions Swift can call. */
#ifndef SIDEGATE_COPENSSL_SHIM_H
#define SIDEGATE_COPENSSL_SHIM_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

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

/* Macros of libssl. */
static inline int sidegate_ssl_ctx_set_minimum(SSL_CTX *context, int version)
{
    return SSL_CTX_set_min_proto_version(context, version) == 1;
}

static inline void sidegate_ssl_ctx_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }
static inline void sidegate_ssl_set_read_ahead(SSL *ssl, int wanted) { SSL_set_read_ahead(ssl, wanted); }

static inline void sidegate_ssl_ctx_set_cache_mode(SSL_CTX *context, long mode)
{
    SSL_CTX_set_session_cache_mode(context, mode);
}

static inline int sidegate_ssl_ctx_set_groups(SSL_CTX *context, const char *groups)
{
    return SSL_CTX_set1_groups_list(context, groups) == 1;
}

static inline int sidegate_ssl_ctx_add_chain(SSL_CTX *context, X509 *certificate)
{
    return SSL_CTX_add1_chain_cert(context, certificate) == 1;
}

static inline int sidegate_ssl_set_server_name(SSL *ssl, const char *name)
{
    return SSL_set_tlsext_host_name(ssl, name) == 1;
}

static inline void sidegate_ssl_ctx_set_server_name_callback(
    SSL_CTX *context, int (*callback)(SSL *, int *, void *), void *argument)
{
    SSL_CTX_set_tlsext_servername_callback(context, callback);
    SSL_CTX_set_tlsext_servername_arg(context, argument);
}

static inline void sidegate_ssl_ctx_set_ticket_callback(
    SSL_CTX *context,
    int (*callback)(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, EVP_MAC_CTX *, int))
{
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, callback);
}

static inline size_t sidegate_general_name_count(const GENERAL_NAMES *names)
{
    int count = sk_GENERAL_NAME_num(names);
    return count > 0 ? (size_t)count : 0;
}

/* The text of a DNS name; NULL for names of other kinds. */
static inline const unsigned char *sidegate_dns_name(const GENERAL_NAMES *names, size_t index, size_t *count)
{
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, (int)index);
    if (name == NULL || name->type != GEN_DNS)
        return NULL;
    *count = (size_t)ASN1_STRING_length(name->d.dNSName);
    return ASN1_STRING_get0_data(name->d.dNSName);
}

/*
 * A socket as libssl's source and sink. Unlike the library's own it does not die of SIGPIPE, and it remembers whether a
 * read emptied the socket, so that nobody has to ask the kernel once more to find out.
 */
struct sidegate_tls_socket {
    int descriptor;
    /* The last failure's error number. */
    int error;
    unsigned char is_empty;
    unsigned char has_ended;
    /* Whether what is to be sent is held back, and what was; it goes before what follows. */
    unsigned char holds;
    unsigned char *held;
    size_t held_count;
};

/* A session ticket has 64 KiB at most. */
#define SIDEGATE_TLS_HELD_MAX 70000

static inline int sidegate_tls_hold(struct sidegate_tls_socket *socket, const char *bytes, size_t count)
{
    unsigned char *held = NULL;
    if (count <= SIDEGATE_TLS_HELD_MAX - socket->held_count)
        held = (unsigned char *)realloc(socket->held, socket->held_count + count);
    if (held == NULL) {
        socket->error = ENOMEM;
        return -1;
    }
    memcpy(held + socket->held_count, bytes, count);
    socket->held = held;
    socket->held_count += count;
    return (int)count;
}

/* Sends what was held back, as far as the socket takes it: nothing else will be sent. */
static inline void sidegate_tls_release(struct sidegate_tls_socket *socket)
{
    if (socket->held_count > 0)
        (void)send(socket->descriptor, socket->held, socket->held_count, MSG_NOSIGNAL);
    free(socket->held);
    socket->held = NULL;
    socket->held_count = 0;
}

static inline int sidegate_tls_read(BIO *bio, char *bytes, int size)
{
    struct sidegate_tls_socket *socket = (struct sidegate_tls_socket *)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t count;
    // No new event would come for the bytes.
    do
        count = recv(socket->descriptor, bytes, (size_t)size, 0);
    while (count < 0 && errno == EINTR);
    if (count > 0) {
        socket->is_empty = count < size;
        return (int)count;
    }
    socket->is_empty = 1;
    if (count == 0) {
        socket->has_ended = 1;
        return 0;
    }
    if (errno == EAGAIN)
        BIO_set_retry_read(bio);
    else
        socket->error = errno;
    return -1;
}

static inline int sidegate_tls_write(BIO *bio, const char *bytes, int size)
{
    struct sidegate_tls_socket *socket = (struct sidegate_tls_socket *)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (size <= 0)
        return 0;
    if (socket->holds)
        return sidegate_tls_hold(socket, bytes, (size_t)size);
    ssize_t count = 0;
    if (socket->held_count > 0) {
        count = send(socket->descriptor, socket->held, socket->held_count, MSG_NOSIGNAL);
        if (count >= 0 && (size_t)count < socket->held_count) {
            socket->held_count -= (size_t)count;
            memmove(socket->held, socket->held + count, socket->held_count);
            BIO_set_retry_write(bio);
            return -1;
        }
        if (count >= 0) {
            free(socket->held);
            socket->held = NULL;
            socket->held_count = 0;
        }
    }
    if (count >= 0)
        count = send(socket->descriptor, bytes, (size_t)size, MSG_NOSIGNAL);
    if (count >= 0)
        return (int)count;
    if (errno == EAGAIN || errno == EINTR)
        BIO_set_retry_write(bio);
    else
        socket->error = errno;
    return -1;
}

static inline long sidegate_tls_control(BIO *bio, int command, long number, void *pointer)
{
    struct sidegate_tls_socket *socket = (struct sidegate_tls_socket *)BIO_get_data(bio);
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return socket->has_ended;
    default:
        return 0;
    }
}

static inline int sidegate_tls_destroy(BIO *bio)
{
    struct sidegate_tls_socket *socket = (struct sidegate_tls_socket *)BIO_get_data(bio);
    if (socket != NULL)
        free(socket->held);
    free(socket);
    BIO_set_data(bio, NULL);
    return 1;
}

static inline BIO_METHOD *sidegate_tls_make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sidegate socket");
    if (method == NULL)
        return NULL;
    BIO_meth_set_read(method, sidegate_tls_read);
    BIO_meth_set_write(method, sidegate_tls_write);
    BIO_meth_set_ctrl(method, sidegate_tls_control);
    BIO_meth_set_destroy(method, sidegate_tls_destroy);
    return method;
}

/* Gives the connection its socket, which stays the caller's to close. The result lives as long as the connection. */
static inline struct sidegate_tls_socket *sidegate_tls_attach(SSL *ssl, const BIO_METHOD *method, int descriptor)
{
    struct sidegate_tls_socket *socket = (struct sidegate_tls_socket *)calloc(1, sizeof *socket);
    BIO *bio = BIO_new(method);
    if (bio == NULL || socket == NULL) {
        BIO_free(bio);
        free(socket);
        return NULL;
    }
    socket->descriptor = descriptor;
    BIO_set_data(bio, socket);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return socket;
}

#endif
