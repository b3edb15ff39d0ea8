// PCRE2 for bytes, with one way to match: under a budget. PCRE2's own match limit starts anew at every place where a match could begin, and counts
// nothing of what a single item scans; so the budget is counted here, in the callouts that PCRE2_AUTO_CALLOUT puts before every item of a pattern.
// No policy lives here: the one user is Shared/Patterns.
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

// What callouts return when the budget is used up; no code of PCRE2's is below -100.
#define PATTERN_OUT_OF_STEPS (-1001)
#define PATTERN_OUT_OF_TIME (-1002)

struct pattern_budget {
    uint64_t steps, max_steps, steps_between_looks;
    uint64_t started, max_nanoseconds;
};

struct pattern_match {
    int status;
    size_t start, end;
    uint64_t steps, nanoseconds;
};

// Of this thread alone: a machine that is busy with other things does not shorten the budget.
static inline uint64_t pattern_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// An item scans the whole subject at most, so the time between two looks at the clock is bounded by so many scans.
static inline int pattern_step(pcre2_callout_block *block, void *context) {
    (void)block;
    struct pattern_budget *budget = (struct pattern_budget *)context;
    if (++budget->steps > budget->max_steps) return PATTERN_OUT_OF_STEPS;
    if (budget->steps % budget->steps_between_looks == 0 && pattern_clock() - budget->started > budget->max_nanoseconds) return PATTERN_OUT_OF_TIME;
    return 0;
}

// NULL with PCRE2's error and the place where it was found. `code` is immutable and shared between threads.
static inline void *pattern_compile(const uint8_t *text, size_t count, int *error, size_t *offset, uint32_t max_nesting) {
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context) return NULL;
    pcre2_set_parens_nest_limit(context, max_nesting);
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
    pcre2_code *code = pcre2_compile(text, count, options, error, offset, context);
    pcre2_compile_context_free(context);
    return code;
}

static inline size_t pattern_size(const void *code) {
    size_t size = 0;
    pcre2_pattern_info((const pcre2_code *)code, PCRE2_INFO_SIZE, &size);
    return size;
}

static inline void pattern_free(void *code) { pcre2_code_free((pcre2_code *)code); }

// PCRE2's words for an error; returns the length of the text.
static inline int pattern_message(int error, uint8_t *buffer, size_t capacity) { return pcre2_get_error_message(error, buffer, capacity); }

// The leftmost match. Never compiled to machine code: that has no callouts that could stop it in time.
static inline struct pattern_match pattern_search(
    const void *code, const uint8_t *subject, size_t count, uint64_t max_steps, uint64_t max_nanoseconds, uint32_t max_depth, uint32_t max_heap_kibibytes
) {
    struct pattern_match found = {PCRE2_ERROR_NOMEMORY, 0, 0, 0, 0};
    struct pattern_budget budget = {0, max_steps, count > 64 * 1024 ? 4 : 32, pattern_clock(), max_nanoseconds};
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (context && data) {
        pcre2_set_callout(context, pattern_step, &budget);
        pcre2_set_depth_limit(context, max_depth);
        pcre2_set_heap_limit(context, max_heap_kibibytes);
        pcre2_set_match_limit(context, (uint32_t)(max_steps > UINT32_MAX ? UINT32_MAX : max_steps));
        found.status = pcre2_match((const pcre2_code *)code, subject, count, 0, PCRE2_NO_JIT, data, context);
        if (found.status >= 0) {
            PCRE2_SIZE *ends = pcre2_get_ovector_pointer(data);
            found.start = ends[0];
            found.end = ends[1];
        }
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    found.steps = budget.steps;
    found.nanoseconds = pattern_clock() - budget.started;
    return found;
}
