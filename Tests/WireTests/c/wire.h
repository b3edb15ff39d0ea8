/* The frames of Shared/FrameTransport/README.md, written from that page alone: length, type, flags, stream, payload; big-endian. */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "Execution/runs.pb-c.h"
#include "Transport/transport.pb-c.h"

enum { PREFACE, REQUEST_HEAD, MESSAGE, RESPONSE_HEAD, TRAILERS, CANCEL, WINDOW_UPDATE, PING, PONG, GO_AWAY };
enum { END_STREAM = 1, NO_MESSAGE = 2, HEAD_BYTES = 10, MAX_PAYLOAD = 4 << 20 };

static const char MAGIC[] = "ASSAYRPC";
enum { MAGIC_BYTES = sizeof MAGIC - 1 };

typedef struct {
    uint8_t type, flags;
    uint32_t stream, size;
    uint8_t *payload;
} Frame;

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static uint32_t get32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put32(uint8_t *bytes, uint32_t value) {
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* 0 at the end of the input, before any byte of a frame. */
static int read_all(int fd, uint8_t *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t n = read(fd, bytes + done, count - done);
        if (n < 0) fail("cannot read");
        if (n == 0 && done == 0) return 0;
        if (n == 0) fail("a frame is cut off");
        done += (size_t)n;
    }
    return 1;
}

static int read_frame(int fd, Frame *frame) {
    uint8_t head[HEAD_BYTES];
    if (!read_all(fd, head, sizeof head)) return 0;
    uint32_t length = get32(head);
    if (length < 6 || length - 6 > MAX_PAYLOAD) fail("a frame has an impossible length");
    frame->type = head[4];
    frame->flags = head[5];
    frame->stream = get32(head + 6);
    frame->size = length - 6;
    frame->payload = malloc(frame->size + 1);
    if (!frame->payload) fail("out of memory");
    if (frame->size > 0 && !read_all(fd, frame->payload, frame->size)) fail("a frame is cut off");
    return 1;
}

static void print_metadata(size_t count, Assay__Transport__V1__MetadataEntry **entries) {
    for (size_t i = 0; i < count; i++) {
        printf(" %s=", entries[i]->key);
        if (entries[i]->value_case == ASSAY__TRANSPORT__V1__METADATA_ENTRY__VALUE_TEXT) {
            printf("%s", entries[i]->text);
        } else {
            for (size_t b = 0; b < entries[i]->binary.len; b++) printf("%02x", entries[i]->binary.data[b]);
        }
    }
}

/* A contract message, as a reader in another language sees it. */
static void print_run(const Frame *frame) {
    Assay__Execution__V1__Run *run = assay__execution__v1__run__unpack(NULL, frame->size, frame->payload);
    if (!run) fail("a message is not a run");
    printf(" id=%s name=%s state=%d duration_ms=%lld", run->id, run->name, run->state, (long long)run->duration_ms);
    if (run->counts) printf(" total=%lld failed=%lld", (long long)run->counts->total, (long long)run->counts->failed);
    if (run->created_at) printf(" created_at=%lld.%09d", (long long)run->created_at->seconds, run->created_at->nanos);
    for (size_t i = 0; i < run->n_tags; i++) printf(" %s=%s", run->tags[i]->key, run->tags[i]->value);
    assay__execution__v1__run__free_unpacked(run, NULL);
}

static void print_frame(const Frame *frame) {
    static const char *names[] = {"preface", "request-head", "message", "response-head", "trailers",
                                  "cancel",  "window-update", "ping",   "pong",          "go-away"};
    if (frame->type > GO_AWAY) fail("a frame has an unknown type");
    printf("%s stream=%u end=%d", names[frame->type], frame->stream, frame->flags & END_STREAM);
    switch (frame->type) {
    case PREFACE: {
        if (frame->size < MAGIC_BYTES || memcmp(frame->payload, MAGIC, MAGIC_BYTES)) fail("the magic is wrong");
        Assay__Transport__V1__Settings *settings =
            assay__transport__v1__settings__unpack(NULL, frame->size - MAGIC_BYTES, frame->payload + MAGIC_BYTES);
        if (!settings) fail("the settings cannot be decoded");
        printf(" version=%u streams=%u message=%u window=%u metadata=%u", settings->version, settings->max_streams, settings->max_message_bytes,
               settings->initial_window_bytes, settings->max_metadata_bytes);
        assay__transport__v1__settings__free_unpacked(settings, NULL);
        break;
    }
    case REQUEST_HEAD: {
        Assay__Transport__V1__RequestHead *head = assay__transport__v1__request_head__unpack(NULL, frame->size, frame->payload);
        if (!head) fail("a request head cannot be decoded");
        printf(" method=%s timeout_ms=%llu", head->method, (unsigned long long)head->timeout_ms);
        print_metadata(head->n_metadata, head->metadata);
        assay__transport__v1__request_head__free_unpacked(head, NULL);
        break;
    }
    case RESPONSE_HEAD: {
        Assay__Transport__V1__ResponseHead *head = assay__transport__v1__response_head__unpack(NULL, frame->size, frame->payload);
        if (!head) fail("a response head cannot be decoded");
        print_metadata(head->n_metadata, head->metadata);
        assay__transport__v1__response_head__free_unpacked(head, NULL);
        break;
    }
    case TRAILERS: {
        Assay__Transport__V1__Trailers *trailers = assay__transport__v1__trailers__unpack(NULL, frame->size, frame->payload);
        if (!trailers) fail("trailers cannot be decoded");
        printf(" code=%u text=%s", trailers->code, trailers->message);
        print_metadata(trailers->n_metadata, trailers->metadata);
        assay__transport__v1__trailers__free_unpacked(trailers, NULL);
        break;
    }
    case MESSAGE:
        if (!(frame->flags & NO_MESSAGE)) print_run(frame);
        break;
    }
    printf("\n");
}

#endif
