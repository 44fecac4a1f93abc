// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 requests that block, over connections that are kept. No type of the library behind it is
// here.
#ifndef NEEDLETAIL_CHTTP_H
#define NEEDLETAIL_CHTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Connections, kept for the next request. One thread at a time.
typedef struct chttp_client chttp_client;

/// Paths of PEM files, or NULL. Copied.
typedef struct chttp_tls {
    /// What a server's certificate is checked against; NULL = what the system trusts.
    const char *authorities;
    /// What this client shows, and the key to it.
    const char *certificate;
    const char *private_key;
} chttp_tls;

/// The longest body that is taken; a longer one is an error.
enum { CHTTP_BODY_MAX = 65536 };

typedef struct chttp_answer {
    /// Of HTTP; 0 when there was no whole answer, and `error` says why.
    int32_t status;
    /// The body: the client's memory, until its next request.
    size_t byte_count;
    const uint8_t *bytes;
    char error[256];
    /// Whether that is that the time was over.
    bool has_timed_out;
} chttp_answer;

/// NULL when there is no memory.
chttp_client *chttp_open(const chttp_tls *tls);

/// Ends its connections.
void chttp_close(chttp_client *client);

/// Posts JSON, with a header "Authorization: …" unless that is NULL. Waits at most so long, for
/// name, connecting and answer together. Takes no proxy and follows no redirect.
void chttp_post(
    chttp_client *client, const char *url, const char *authorization, const char *body,
    uint32_t timeout_millis, chttp_answer *answer);

#endif
