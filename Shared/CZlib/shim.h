// NIO's packages bring modules with zlib's headers too, and whose z_stream Swift takes for the one depends on what it has loaded before: a debug build
// takes ours, a release build need not, and then refuses its fields. So the fields stay in here, and Swift sees a pointer and functions.
#include <stdlib.h>
#include <zlib.h>

/// What one step took and gave, in bytes, and zlib's status.
struct zlib_step {
    int status;
    size_t consumed, produced;
};

/// NULL without memory. 31 bits of window are gzip, -15 a bare deflate stream.
static inline void *zlib_deflater(int level, int window_bits) {
    z_stream *stream = calloc(1, sizeof *stream);
    if (stream && deflateInit2(stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK) return stream;
    free(stream);
    return NULL;
}

static inline void *zlib_inflater(int window_bits) {
    z_stream *stream = calloc(1, sizeof *stream);
    if (stream && inflateInit2(stream, window_bits) == Z_OK) return stream;
    free(stream);
    return NULL;
}

/// `work` is deflate or inflate.
static inline struct zlib_step zlib_work(
    int (*work)(z_stream *, int), void *stream, const unsigned char *input, size_t input_count, unsigned char *output, size_t output_count, int flush
) {
    z_stream *z = stream;
    z->next_in = (unsigned char *)input;
    z->avail_in = (unsigned)input_count;
    z->next_out = output;
    z->avail_out = (unsigned)output_count;
    int status = work(z, flush);
    return (struct zlib_step){status, input_count - z->avail_in, output_count - z->avail_out};
}

static inline struct zlib_step zlib_deflate(void *stream, const unsigned char *input, size_t input_count, unsigned char *output, size_t output_count, int flush) {
    return zlib_work(deflate, stream, input, input_count, output, output_count, flush);
}

static inline struct zlib_step zlib_inflate(void *stream, const unsigned char *input, size_t input_count, unsigned char *output, size_t output_count) {
    return zlib_work(inflate, stream, input, input_count, output, output_count, Z_NO_FLUSH);
}

/// For the next member of a gzip file.
static inline void zlib_inflater_reset(void *stream) { inflateReset(stream); }

static inline void zlib_deflater_free(void *stream) {
    deflateEnd(stream);
    free(stream);
}

static inline void zlib_inflater_free(void *stream) {
    inflateEnd(stream);
    free(stream);
}
