// Typed doors to the variadic functions of libcurl, which Swift cannot call. No policy lives here: the one user is Shared/Outbound.
#pragma once

#include <curl/curl.h>
#include <stddef.h>

// Once per process, before any other call; curl's own set-up is thread-safe since 7.84. Returns 0 or a CURLcode.
int outbound_start(void);

CURLcode outbound_set_long(CURL *easy, CURLoption option, long value);
// The text is copied by curl; NULL takes the option back to "none".
CURLcode outbound_set_text(CURL *easy, CURLoption option, const char *text);
// The list is not copied: it must live until the transfer has ended.
CURLcode outbound_set_list(CURL *easy, CURLoption option, struct curl_slist *list);
// A body to upload, copied by curl.
CURLcode outbound_set_body(CURL *easy, const void *bytes, size_t count);
// Where curl writes the text of an error: CURL_ERROR_SIZE bytes that outlive the handle.
CURLcode outbound_set_error_text(CURL *easy, char *buffer);

// What is sent is asked for piece by piece: the message of a mail.
CURLcode outbound_set_upload(CURL *easy, void *context, curl_read_callback read, curl_opensocket_callback open_socket);

// Every callback gets the same context.
CURLcode outbound_set_callbacks(CURL *easy, void *context, curl_write_callback body, curl_write_callback header,
                                curl_opensocket_callback open_socket, curl_prereq_callback before_request);

long outbound_long(CURL *easy, CURLINFO info);
curl_off_t outbound_offset(CURL *easy, CURLINFO info);

CURLMcode outbound_multi_set_long(CURLM *multi, CURLMoption option, long value);

// The next transfer that has ended, or NULL; `result` says how.
CURL *outbound_next_ended(CURLM *multi, CURLcode *result);
