/* usage: client PORT METHOD...     calls each method of the server on 127.0.0.1 with a run, over one connection, and prints what comes back */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "wire.h"

static void write_frame(int fd, uint8_t type, uint8_t flags, uint32_t stream, const uint8_t *payload, size_t size) {
    uint8_t *bytes = malloc(HEAD_BYTES + size);
    if (!bytes) fail("out of memory");
    put32(bytes, (uint32_t)size + 6);
    bytes[4] = type;
    bytes[5] = flags;
    put32(bytes + 6, stream);
    if (size > 0) memcpy(bytes + HEAD_BYTES, payload, size);
    for (size_t done = 0; done < HEAD_BYTES + size;) {
        ssize_t n = write(fd, bytes + done, HEAD_BYTES + size - done);
        if (n <= 0) fail("cannot write");
        done += (size_t)n;
    }
    free(bytes);
}

static void send_message(int fd, uint8_t type, uint8_t flags, uint32_t stream, const ProtobufCMessage *message, const char *prefix) {
    uint8_t bytes[1024];
    size_t start = strlen(prefix);
    if (start + protobuf_c_message_get_packed_size(message) > sizeof bytes) fail("a message is too large");
    memcpy(bytes, prefix, start);
    write_frame(fd, type, flags, stream, bytes, start + protobuf_c_message_pack(message, bytes + start));
}

static int connect_to(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) fail("cannot connect");
    return fd;
}

static void send_preface(int fd) {
    Assay__Transport__V1__Settings settings = ASSAY__TRANSPORT__V1__SETTINGS__INIT;
    settings.version = 1;
    settings.max_streams = 1;
    settings.max_message_bytes = 4 << 20;
    settings.initial_window_bytes = 64 << 10;
    settings.max_metadata_bytes = 16 << 10;
    send_message(fd, PREFACE, 0, 0, &settings.base, MAGIC);
}

static void send_call(int fd, uint32_t stream, char *method) {
    Assay__Transport__V1__MetadataEntry entry = ASSAY__TRANSPORT__V1__METADATA_ENTRY__INIT;
    Assay__Transport__V1__MetadataEntry *entries[] = {&entry};
    entry.key = "x-language";
    entry.value_case = ASSAY__TRANSPORT__V1__METADATA_ENTRY__VALUE_TEXT;
    entry.text = "C";
    Assay__Transport__V1__RequestHead head = ASSAY__TRANSPORT__V1__REQUEST_HEAD__INIT;
    head.method = method;
    head.timeout_ms = 5000;
    head.n_metadata = 1;
    head.metadata = entries;
    send_message(fd, REQUEST_HEAD, 0, stream, &head.base, "");

    Assay__Execution__V1__Run run = ASSAY__EXECUTION__V1__RUN__INIT;
    run.id = "run_c";
    run.name = "from C";
    run.state = ASSAY__EXECUTION__V1__RUN__STATE__RUNNING;
    run.duration_ms = 41;
    send_message(fd, MESSAGE, END_STREAM, stream, &run.base, "");
}

int main(int count, char **arguments) {
    if (count < 3) fail("usage: client PORT METHOD...");
    int fd = connect_to((uint16_t)atoi(arguments[1]));
    send_preface(fd);
    Frame frame;
    if (!read_frame(fd, &frame)) fail("the server closed the connection");
    print_frame(&frame);
    free(frame.payload);
    for (int call = 2; call < count; call++) {
        send_call(fd, (uint32_t)call, arguments[call]);
        for (int ended = 0; !ended;) {
            if (!read_frame(fd, &frame)) fail("the server closed the connection");
            if (frame.type == PING) {
                write_frame(fd, PONG, 0, 0, frame.payload, frame.size);
            } else {
                print_frame(&frame);
                ended = frame.type == TRAILERS;
            }
            free(frame.payload);
        }
    }
    return close(fd);
}
