/* Put before the C library of a server under test (LD_PRELOAD): a disk that fails or hangs, and a
 * wall clock that jumps, as a file says that the test and the server both have in memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { PASS = 0, FAIL = 1, HOLD = 2 };

struct control {
    volatile int64_t clock_millis; /* how far the wall clock is off */
    volatile int64_t disk;         /* what becomes of fsync */
    volatile int64_t failed;       /* how often it failed */
    volatile int64_t held;         /* how many wait now */
};

static struct control *control;

__attribute__((constructor)) static void map_control(void) {
    const char *path = getenv("CLAVIGER_TEST_CONTROL");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED)
        control = mapped;
}

static int synced(long call, int file) {
    if (control && control->disk == HOLD) {
        __sync_fetch_and_add(&control->held, 1);
        while (control->disk == HOLD)
            usleep(1000);
        __sync_fetch_and_sub(&control->held, 1);
    }
    if (control && control->disk == FAIL) {
        __sync_fetch_and_add(&control->failed, 1);
        errno = EIO;
        return -1;
    }
    return (int)syscall(call, file);
}

int fsync(int file) { return synced(SYS_fsync, file); }

int fdatasync(int file) { return synced(SYS_fdatasync, file); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    long result = syscall(SYS_clock_gettime, clock, now);
    int is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    if (result == 0 && is_wall && control) {
        int64_t off = control->clock_millis;
        int64_t nanos = now->tv_nsec + (off % 1000) * 1000000;
        int64_t seconds = now->tv_sec + off / 1000;
        if (nanos < 0) {
            nanos += 1000000000;
            seconds -= 1;
        } else if (nanos >= 1000000000) {
            nanos -= 1000000000;
            seconds += 1;
        }
        now->tv_sec = seconds;
        now->tv_nsec = nanos;
    }
    return (int)result;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact) != 0)
        return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *seconds) {
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact) != 0)
        return -1;
    if (seconds)
        *seconds = exact.tv_sec;
    return exact.tv_sec;
}
