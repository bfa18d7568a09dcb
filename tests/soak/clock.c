// Preloaded into a server that runs for tests/soak.py: the machine's clock, as the server sees it, goes faster.
//
// SOAK_BEGAN and SOAK_FROM, in seconds since 1970: from the first on it shows the second and what follows, SOAK_RATE of
// its seconds in a second. Clocks that only measure are left alone. SOAK_LEAK=memory, descriptors or threads lets the
// server leak: ten times a second 100 KiB, a descriptor, a thread.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000000, LEAK_EVERY = SECOND / 10, LEAKED_BYTES = 100 << 10, PAGE = 4096 };

static long long began, from, rate;
static const char *leaks = "";

static long long number(const char *name) {
    const char *text = getenv(name);
    return text ? atoll(text) : 0;
}

__attribute__((constructor)) static void begin(void) {
    began = number("SOAK_BEGAN") * SECOND;
    from = number("SOAK_FROM") * SECOND;
    leaks = getenv("SOAK_LEAK") ? getenv("SOAK_LEAK") : "";
    rate = number("SOAK_RATE");
}

static void *wait_for_ever(void *nothing) {
    for (;;) pause();
    return nothing;
}

static void leak(long long now) {
    static _Atomic long long last;
    long long before = last;
    if (now - before < LEAK_EVERY || !atomic_compare_exchange_strong(&last, &before, now)) return;
    if (!strcmp(leaks, "memory")) {
        // Written to, and so that no compiler can leave it out, or it would be no memory yet.
        volatile char *bytes = malloc(LEAKED_BYTES);
        for (int at = 0; bytes && at < LEAKED_BYTES; at += PAGE) bytes[at] = 1;
    } else if (!strcmp(leaks, "descriptors")) {
        if (dup(2) < 0) abort();
    } else if (!strcmp(leaks, "threads")) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, wait_for_ever, NULL)) abort();
    }
}

int clock_gettime(clockid_t clock, struct timespec *shown) {
    int failed = (int)syscall(SYS_clock_gettime, clock, shown);
    if (failed || clock != CLOCK_REALTIME || rate == 0) return failed;
    long long now = shown->tv_sec * (long long)SECOND + shown->tv_nsec;
    if (*leaks) leak(now);
    // From whole seconds, so that a year of nanoseconds times a rate does not overflow.
    long long since = now - began;
    now = from + since / SECOND * rate * SECOND + since % SECOND * rate;
    shown->tv_sec = now / SECOND;
    shown->tv_nsec = now % SECOND;
    return 0;
}
