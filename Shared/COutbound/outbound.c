#define CURL_DISABLE_TYPECHECK
#include "outbound.h"

int outbound_start(void) { return (int)curl_global_init(CURL_GLOBAL_DEFAULT); }

CURLcode outbound_set_long(CURL *easy, CURLoption option, long value) { return curl_easy_setopt(easy, option, value); }

CURLcode outbound_set_text(CURL *easy, CURLoption option, const char *text) { return curl_easy_setopt(easy, option, text); }

CURLcode outbound_set_list(CURL *easy, CURLoption option, struct curl_slist *list) { return curl_easy_setopt(easy, option, list); }

CURLcode outbound_set_body(CURL *easy, const void *bytes, size_t count) {
    // The size first: with it unset curl would measure the body with strlen.
    CURLcode result = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    return result == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, bytes) : result;
}

CURLcode outbound_set_error_text(CURL *easy, char *buffer) { return curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, buffer); }

CURLcode outbound_set_callbacks(CURL *easy, void *context, curl_write_callback body, curl_write_callback header,
                                curl_opensocket_callback open_socket, curl_prereq_callback before_request) {
    CURLcode results[] = {
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body),
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, context),
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header),
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, context),
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket),
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, context),
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request),
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, context),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (results[i] != CURLE_OK) return results[i];
    return CURLE_OK;
}

CURLcode outbound_set_upload(CURL *easy, void *context, curl_read_callback read, curl_opensocket_callback open_socket) {
    CURLcode results[] = {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L),
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, read),
        curl_easy_setopt(easy, CURLOPT_READDATA, context),
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket),
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, context),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (results[i] != CURLE_OK) return results[i];
    return CURLE_OK;
}

long outbound_long(CURL *easy, CURLINFO info) {
    long value = 0;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

curl_off_t outbound_offset(CURL *easy, CURLINFO info) {
    curl_off_t value = 0;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

CURLMcode outbound_multi_set_long(CURLM *multi, CURLMoption option, long value) { return curl_multi_setopt(multi, option, value); }

CURL *outbound_next_ended(CURLM *multi, CURLcode *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        *result = message->data.result;
        return message->easy_handle;
    }
    return NULL;
}
