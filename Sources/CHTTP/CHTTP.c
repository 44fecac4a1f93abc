// SPDX-License-Identifier: Apache-2.0
#include "CHTTP.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct chttp_client {
    CURL *curl;
    char error[CURL_ERROR_SIZE];
    size_t byte_count;
    uint8_t bytes[CHTTP_BODY_MAX];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_library(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

// Anything but the whole count makes the transfer fail.
static size_t take(char *bytes, size_t size, size_t count, void *into) {
    chttp_client *client = into;
    size_t byte_count = size * count;
    if (byte_count > CHTTP_BODY_MAX - client->byte_count) return 0;
    memcpy(client->bytes + client->byte_count, bytes, byte_count);
    client->byte_count += byte_count;
    return byte_count;
}

static CURLcode set_tls(CURL *curl, const chttp_tls *tls) {
    CURLcode code = CURLE_OK;
    if (tls->authorities) code = curl_easy_setopt(curl, CURLOPT_CAINFO, tls->authorities);
    if (!code && tls->certificate) code = curl_easy_setopt(curl, CURLOPT_SSLCERT, tls->certificate);
    if (!code && tls->private_key) code = curl_easy_setopt(curl, CURLOPT_SSLKEY, tls->private_key);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    return code;
}

chttp_client *chttp_open(const chttp_tls *tls) {
    pthread_once(&once, start_library);
    chttp_client *client = calloc(1, sizeof *client);
    if (!client) return NULL;
    CURL *curl = client->curl = curl_easy_init();
    // No signals: there are other threads. An answer below 64 KB has no need of a proxy or HTTP/2,
    // and a redirect would lead the password elsewhere: the library follows none unless asked.
    if (!curl || set_tls(curl, tls) || curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) ||
        curl_easy_setopt(curl, CURLOPT_PROXY, "") ||
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") ||
        curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error) ||
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take)) {
        chttp_close(client);
        return NULL;
    }
    return client;
}

void chttp_close(chttp_client *client) {
    if (client->curl) curl_easy_cleanup(client->curl);
    free(client);
}

// Without "Expect:" a body goes with its header at once.
static struct curl_slist *headers_of(const char *authorization) {
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!headers) return NULL;
    if (!curl_slist_append(headers, "Expect:")) goto failed;
    if (authorization) {
        size_t size = strlen(authorization) + sizeof "Authorization: ";
        char *line = malloc(size);
        if (!line) goto failed;
        snprintf(line, size, "Authorization: %s", authorization);
        struct curl_slist *all = curl_slist_append(headers, line);
        free(line);
        if (!all) goto failed;
    }
    return headers;
failed:
    curl_slist_free_all(headers);
    return NULL;
}

static CURLcode perform(
    chttp_client *client, const char *url, const char *body, struct curl_slist *headers,
    uint32_t timeout_millis) {
    CURL *curl = client->curl;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, url);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_millis);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    if (!code) code = curl_easy_perform(curl);
    // Neither outlives this call.
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL);
    return code;
}

void chttp_post(
    chttp_client *client, const char *url, const char *authorization, const char *body,
    uint32_t timeout_millis, chttp_answer *answer) {
    memset(answer, 0, sizeof *answer);
    client->byte_count = 0;
    client->error[0] = 0;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    struct curl_slist *headers = headers_of(authorization);
    if (headers) code = perform(client, url, body, headers, timeout_millis);
    curl_slist_free_all(headers);
    if (code) {
        answer->has_timed_out = code == CURLE_OPERATION_TIMEDOUT;
        snprintf(
            answer->error, sizeof answer->error, "%s",
            client->error[0] ? client->error : curl_easy_strerror(code));
        return;
    }
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int32_t)status;
    answer->bytes = client->bytes;
    answer->byte_count = client->byte_count;
}
